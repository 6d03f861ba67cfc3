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
  // Kept at once: in a worker that is being terminated, whatever makes a value throws.
  auto* const environment = info.Env().GetInstanceData<Environment>();
  environment->keep(reader);
  environment->keep(writer);
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0u, reader);
  pair.Set(1u, writer);
  return pair;
}

Napi::Value duplicateCall(const Napi::CallbackInfo& info) { return kept(info, duplicate(integer(info, 0))); }

// identify(fd): a number for comparison, or -errno
Napi::Value identifyCall(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(identify(integer(info, 0))));
}

// tell(fd, byte)
Napi::Value tellCall(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), tell(integer(info, 0), static_cast<uint8_t>(integer(info, 1))));
}

// hear(fd): a string, or -errno
Napi::Value hearCall(const Napi::CallbackInfo& info) {
  char text[8192];
  const int length = hear(integer(info, 0), text, sizeof text);
  if (length < 0) return Napi::Number::New(info.Env(), length);
  return Napi::String::New(info.Env(), text, static_cast<size_t>(length));
}

// handOver(pipe, fd): from then on it is not this thread's
Napi::Value handOverCall(const Napi::CallbackInfo& info) {
  const int fd = integer(info, 1);
  const int result = handOver(integer(info, 0), fd);
  if (result == 0) info.Env().GetInstanceData<Environment>()->forget(fd);
  return Napi::Number::New(info.Env(), result);
}

// takeOver(pipe): the fd, which is this thread's from then on, or -errno
Napi::Value takeOverCall(const Napi::CallbackInfo& info) { return kept(info, takeOver(integer(info, 0))); }

}  // namespace

void defineDescriptorFunctions(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  define("accessMode", call<accessMode>);
  define("readyNow", call<readyNow>);
  define("setNonBlocking", setNonBlockingCall);
  define("makePipe", makePipeCall);
  define("duplicate", duplicateCall);
  define("identify", identifyCall);
  define("tell", tellCall);
  define("hear", hearCall);
  define("handOver", handOverCall);
  define("takeOver", takeOverCall);
}

}  // namespace coreactor
