// A native selector as a JavaScript object; see selector_object.h.
#include "selector_object.h"

#include <cmath>
#include <string>

#include "environment.h"

namespace coreactor {
namespace {

constexpr size_t kHead = 4;
constexpr size_t kRowFields = sizeof(Ready) / sizeof(int32_t);
constexpr size_t kOrderFields = sizeof(Order) / sizeof(int32_t);
constexpr size_t kCounters = 1;  // of kWatchable signals

// Milliseconds to nanoseconds, rounded up; Infinity is for ever (-1), and so is what no int64 holds.
int64_t nanoseconds(double ms) {
  const double ns = std::ceil(ms * 1e6);
  if (!(ns < 9.2e18)) return -1;
  return ns > 0 ? static_cast<int64_t>(ns) : 0;
}

}  // namespace

Napi::Function SelectorObject::define(Napi::Env env) {
  return DefineClass(env, "NativeSelector",
                     {
                         InstanceAccessor<&SelectorObject::name>("name"),
                         InstanceAccessor<&SelectorObject::edges>("edges"),
                         InstanceAccessor<&SelectorObject::lazy>("lazy"),
                         InstanceAccessor<&SelectorObject::fd>("fd"),
                         InstanceMethod<&SelectorObject::add>("add"),
                         InstanceMethod<&SelectorObject::modify>("modify"),
                         InstanceMethod<&SelectorObject::remove>("remove"),
                         InstanceMethod<&SelectorObject::attachMailbox>("attachMailbox"),
                         InstanceMethod<&SelectorObject::detachMailbox>("detachMailbox"),
                         InstanceMethod<&SelectorObject::wait>("wait"),
                         InstanceMethod<&SelectorObject::flush>("flush"),
                         InstanceMethod<&SelectorObject::wake>("wake"),
                         InstanceMethod<&SelectorObject::watchSignals>("watchSignals"),
                         InstanceMethod<&SelectorObject::unwatchSignals>("unwatchSignals"),
                         InstanceMethod<&SelectorObject::close>("close"),
                     });
}

SelectorObject::SelectorObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const std::string name = info[0].As<Napi::String>();
  auto rows = info[1].As<Napi::Int32Array>();
  if (rows.ElementLength() < kHead + kRowFields)
    throw Napi::RangeError::New(info.Env(), "rows is too short for one row");
  rows_ = Napi::Persistent(rows);
  int error = 0;
  selector_ = makeSelector(name, reinterpret_cast<Ready*>(rows.Data() + kHead),
                           static_cast<int>((rows.ElementLength() - kHead) / kRowFields), &error);
  if (selector_ == nullptr) {
    Napi::Error failure = Napi::Error::New(info.Env(), "the selector cannot be opened");
    failure.Set("errno", Napi::Number::New(info.Env(), error));
    throw failure;
  }
}

// attachMailbox(inbox, outbox, orders): orders is an Int32Array with a head too, whose first field is their number.
Napi::Value SelectorObject::attachMailbox(const Napi::CallbackInfo& info) {
  Selector& selector = open(info);
  auto inbox = info[0].As<Napi::Uint8Array>();
  auto outbox = info[1].As<Napi::Uint8Array>();
  auto orders = info[2].As<Napi::Int32Array>();
  if (orders.ElementLength() < kHead) throw Napi::RangeError::New(info.Env(), "orders is too short for its head");
  inbox_ = Napi::Persistent(inbox);
  outbox_ = Napi::Persistent(outbox);
  orders_ = Napi::Persistent(orders);
  Mailbox mailbox;
  mailbox.inbox = inbox.Data();
  mailbox.inboxSize = inbox.ByteLength();
  mailbox.outbox = outbox.Data();
  mailbox.outboxSize = outbox.ByteLength();
  mailbox.orderCount = orders.Data();
  mailbox.orders = reinterpret_cast<Order*>(orders.Data() + kHead);
  mailbox.orderCapacity = static_cast<int>((orders.ElementLength() - kHead) / kOrderFields);
  return Napi::Number::New(info.Env(), selector.attach(mailbox));
}

void SelectorObject::detachMailbox(const Napi::CallbackInfo& info) { open(info).detach(); }

Selector& SelectorObject::open(const Napi::CallbackInfo& info) {
  if (selector_ == nullptr) throw Napi::Error::New(info.Env(), "the selector is closed");
  return *selector_;
}

Napi::Value SelectorObject::name(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), open(info).name());
}

Napi::Value SelectorObject::edges(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), open(info).edges());
}

Napi::Value SelectorObject::lazy(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), open(info).lazy());
}

Napi::Value SelectorObject::fd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), open(info).fd());
}

Napi::Value SelectorObject::add(const Napi::CallbackInfo& info) {
  const int result = open(info).add(info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::Number>().Uint32Value(),
                                    info[2].As<Napi::Number>().Int32Value());
  return Napi::Number::New(info.Env(), result);
}

Napi::Value SelectorObject::modify(const Napi::CallbackInfo& info) {
  const int result =
      open(info).modify(info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::Number>().Uint32Value(),
                        info[2].As<Napi::Number>().Int32Value());
  return Napi::Number::New(info.Env(), result);
}

Napi::Value SelectorObject::remove(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), open(info).remove(info[0].As<Napi::Number>().Int32Value()));
}

Napi::Value SelectorObject::wait(const Napi::CallbackInfo& info) {
  Selector& selector = open(info);
  const int result = selector.wait(nanoseconds(info[0].As<Napi::Number>().DoubleValue()));
  // Kept at once: a worker that is being terminated reads no row any more.
  if (!selector.accepted().empty()) {
    auto* const environment = info.Env().GetInstanceData<Environment>();
    for (const int fd : selector.accepted()) environment->keep(fd);
  }
  return Napi::Number::New(info.Env(), result);
}

Napi::Value SelectorObject::flush(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), open(info).flush());
}

Napi::Value SelectorObject::wake(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), open(info).wake());
}

// watchSignals(interrupts, inquiries)
Napi::Value SelectorObject::watchSignals(const Napi::CallbackInfo& info) {
  Selector& selector = open(info);
  const unsigned watched = (info[0].ToBoolean() ? kInterrupts : 0U) | (info[1].ToBoolean() ? kInquiries : 0U);
  return Napi::Boolean::New(info.Env(), signals_.start(&selector, rows_.Value().Data() + kCounters, watched));
}

Napi::Value SelectorObject::unwatchSignals(const Napi::CallbackInfo& info) {
  signals_.stop();
  return info.Env().Undefined();
}

Napi::Value SelectorObject::close(const Napi::CallbackInfo& info) {
  signals_.stop();
  selector_.reset();
  return info.Env().Undefined();
}

}  // namespace coreactor
