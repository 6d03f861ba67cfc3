// A Lookup of a name's addresses as a JavaScript object; see lookup_object.h.
#include "lookup_object.h"

#include <string>

#include "environment.h"

namespace coreactor {
namespace {

Napi::Value toValue(Napi::Env env, const Answer& answer) {
  if (answer.error < 0) return Napi::Number::New(env, answer.error);
  Napi::Array hosts = Napi::Array::New(env);
  for (const std::string& host : answer.hosts) hosts.Set(hosts.Length(), Napi::String::New(env, host));
  return hosts;
}

// lookUpNow(host): as take(), but here and now, which blocks the thread.
Napi::Value lookUpNow(const Napi::CallbackInfo& info) {
  return toValue(info.Env(), addressesOf(info[0].As<Napi::String>(), 0));
}

}  // namespace

void LookupObject::define(Napi::Env env, Napi::Object exports) {
  exports.Set("Lookup", DefineClass(env, "Lookup",
                                    {
                                        InstanceAccessor<&LookupObject::fd>("fd"),
                                        InstanceMethod<&LookupObject::take>("take"),
                                        InstanceMethod<&LookupObject::close>("close"),
                                    }));
  exports.Set("lookUpNow", Napi::Function::New(env, lookUpNow, "lookUpNow"));
}

LookupObject::LookupObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  auto* const environment = info.Env().GetInstanceData<Environment>();
  const std::string host = info[0].As<Napi::String>();
  const int family = info[1].As<Napi::Number>().Int32Value();
  error_ = lookup_.start(&environment->resolvers, [host, family] { return addressesOf(host, family); });
}

Napi::Value LookupObject::fd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), error_ < 0 ? error_ : lookup_.fd());
}

Napi::Value LookupObject::take(const Napi::CallbackInfo& info) {
  Answer answer;
  if (!lookup_.take(&answer)) return info.Env().Null();
  return toValue(info.Env(), answer);
}

Napi::Value LookupObject::close(const Napi::CallbackInfo& info) {
  lookup_.close();
  return info.Env().Undefined();
}

}  // namespace coreactor
