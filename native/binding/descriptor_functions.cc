// The functions of native/descriptor.h for JavaScript.
#include "descriptor_functions.h"

#include "../descriptor.h"
#include "environment.h"

namespace coreactor {
namespace {

int integer(const Napi::CallbackInfo& info, size_t index) { return info[index].As<Napi::Number>().Int32Value(); }

template <int (*Call)(int)>
Napi::Value call(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Call(integer(info, 0)));
}

Napi::Value setNonBlockingCall(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), setNonBlocking(integer(info, 0), info[1].ToBoolean()));
}

// [reader, writer], or -errno
Napi::Value makePipeCall(const Napi::CallbackInfo& info) {
  int reader = -1;
  int writer = -1;
  if (const int error = makePipe(&reader, &writer); error < 0) return Napi::Number::New(info.Env(), error);
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0u, kept(info, reader));
  pair.Set(1u, kept(info, writer));
  return pair;
}

}  // namespace

void defineDescriptorFunctions(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  define("accessMode", call<accessMode>);
  define("readyNow", call<readyNow>);
  define("setNonBlocking", setNonBlockingCall);
  define("makePipe", makePipeCall);
}

}  // namespace coreactor
