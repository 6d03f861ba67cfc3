// A SignalSubscription as a JavaScript object; see signal_object.h.
#include "signal_object.h"

#include "../descriptor.h"
#include "environment.h"

namespace coreactor {

void SignalObject::define(Napi::Env env, Napi::Object exports) {
  exports.Set("SignalWatcher", DefineClass(env, "SignalWatcher",
                                           {
                                               InstanceAccessor<&SignalObject::fd>("fd"),
                                               InstanceMethod<&SignalObject::close>("close"),
                                           }));
}

SignalObject::SignalObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  int ends[2];
  result_ = makePipe(&ends[0], &ends[1]);
  if (result_ < 0) return;
  UniqueFd reader(ends[0]);
  writer_.reset(ends[1]);
  const auto signals = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < signals.Length(); ++i) {
    result_ = subscription_.add(signals.Get(i).As<Napi::Number>().Int32Value(), writer_.get());
    if (result_ < 0) {
      subscription_.stop();
      return;
    }
  }
  result_ = info.Env().GetInstanceData<Environment>()->keep(reader.release());
}

Napi::Value SignalObject::fd(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), result_); }

void SignalObject::close(const Napi::CallbackInfo&) {
  subscription_.stop();
  writer_.reset();
}

}  // namespace coreactor
