// The functions of native/socket.h for JavaScript. receive() and transmit() run once per message, so they are plain
// N-API without arguments (see FrameField); the others run once per connection and may be comfortable.
#include "socket_functions.h"

#include <cerrno>
#include <string>

#include "../socket.h"
#include "../socket_options.h"
#include "environment.h"

namespace coreactor {
namespace {

using HotCall = int (*)(int fd, uint8_t* bytes, size_t length);

// The memory a hot call works on: a registered buffer by its id, or with id -1 the view passed as the one argument.
// Null if offset and length do not lie in it.
uint8_t* target(napi_env env, napi_value view, const Environment& environment) {
  const int32_t* const frame = environment.frame;
  if (frame[kLength] == 0) return reinterpret_cast<uint8_t*>(environment.frame);  // anywhere: no byte is touched
  if (frame[kBuffer] >= 0) return environment.find(frame[kBuffer], frame[kOffset], frame[kLength]);
  void* bytes;
  size_t length;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, view, &type, &length, &bytes, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array || frame[kOffset] < 0 || frame[kLength] < 0 ||
      static_cast<size_t>(frame[kOffset]) + static_cast<size_t>(frame[kLength]) > length) {
    return nullptr;
  }
  return static_cast<uint8_t*>(bytes) + frame[kOffset];
}

template <HotCall Call>
napi_value hot(napi_env env, napi_callback_info info) {
  napi_value view;  // undefined if it was not passed
  size_t count = 1;
  void* data;
  napi_get_cb_info(env, info, &count, &view, nullptr, &data);
  const Environment& environment = *static_cast<Environment*>(data);
  int32_t* const frame = environment.frame;
  uint8_t* const bytes = target(env, view, environment);
  frame[kResult] = bytes == nullptr ? -EFAULT : Call(frame[kFd], bytes, static_cast<size_t>(frame[kLength]));
  return nullptr;
}

int receiveBytes(int fd, uint8_t* to, size_t length) { return receive(fd, to, length); }

int transmitBytes(int fd, uint8_t* from, size_t length) { return transmit(fd, from, length); }

void defineHot(Napi::Env env, Napi::Object exports, const char* name, napi_callback call, Environment* environment) {
  napi_value function;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, call, environment, &function) == napi_ok) {
    exports.Set(name, function);
  }
}

int integer(const Napi::CallbackInfo& info, size_t index) { return info[index].As<Napi::Number>().Int32Value(); }

Napi::Value number(const Napi::CallbackInfo& info, int value) { return Napi::Number::New(info.Env(), value); }

// attachFrame(Int32Array): the memory of FrameField; gives the one that was attached first, which all copies share.
Napi::Value attachFrame(const Napi::CallbackInfo& info) {
  auto* const environment = static_cast<Environment*>(info.Data());
  if (environment->frame != nullptr) return environment->frameView.Value();
  auto frame = info[0].As<Napi::Int32Array>();
  if (frame.ElementLength() < kFrameFields) throw Napi::RangeError::New(info.Env(), "the frame is too short");
  environment->frameView = Napi::Persistent(frame);
  environment->frame = frame.Data();
  return frame;
}

Napi::Value registerBuffer(const Napi::CallbackInfo& info) {
  return number(info, static_cast<Environment*>(info.Data())->add(info[0].As<Napi::Uint8Array>()));
}

Napi::Value releaseBuffer(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), static_cast<Environment*>(info.Data())->remove(integer(info, 0)));
}

Napi::Value isAddressCall(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), isAddress(info[0].As<Napi::String>()));
}

// listenTcp(host, port, backlog, reusePort, dualStack): the fd or -errno
Napi::Value listenTcpCall(const Napi::CallbackInfo& info) {
  const Address address{info[0].As<Napi::String>(), integer(info, 1)};
  return kept(info, listenTcp(address, integer(info, 2), info[3].ToBoolean(), info[4].ToBoolean()));
}

// holdTcp(host, port, dualStack): the fd or -errno
Napi::Value holdTcpCall(const Napi::CallbackInfo& info) {
  const Address address{info[0].As<Napi::String>(), integer(info, 1)};
  return kept(info, holdTcp(address, info[2].ToBoolean()));
}

// connectTcp(host, port, localHost?, localPort?): [fd or -errno, pending]
Napi::Value connectTcpCall(const Napi::CallbackInfo& info) {
  bool pending = false;
  Address local;
  const bool isBound = info[2].IsString();
  if (isBound) local = Address{info[2].As<Napi::String>(), integer(info, 3)};
  const Address address{info[0].As<Napi::String>(), integer(info, 1)};
  // Kept at once: in a worker that is being terminated, whatever makes a value throws.
  auto* const environment = info.Env().GetInstanceData<Environment>();
  const int fd = environment->keep(connectTcp(address, &pending, isBound ? &local : nullptr));
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0u, fd);
  pair.Set(1u, Napi::Boolean::New(info.Env(), pending));
  return pair;
}

// listenUnix(path, backlog): the fd or -errno
Napi::Value listenUnixCall(const Napi::CallbackInfo& info) {
  return kept(info, listenUnix(info[0].As<Napi::String>(), integer(info, 1)));
}

Napi::Value openUnixCall(const Napi::CallbackInfo& info) { return kept(info, openUnix()); }

// accept(fd): the fd of the connection or -errno
Napi::Value acceptCall(const Napi::CallbackInfo& info) { return kept(info, acceptSocket(integer(info, 0))); }

Napi::Value closeCall(const Napi::CallbackInfo& info) {
  const int fd = integer(info, 0);
  info.Env().GetInstanceData<Environment>()->forget(fd);
  return number(info, closeDescriptor(fd));
}

// connectUnix(fd, path)
Napi::Value connectUnixCall(const Napi::CallbackInfo& info) {
  return number(info, connectUnix(integer(info, 0), info[1].As<Napi::String>()));
}

// setOption(fd, name, value)
Napi::Value setOptionCall(const Napi::CallbackInfo& info) {
  const std::string name = info[1].As<Napi::String>();
  return number(info, setSocketOption(integer(info, 0), name, integer(info, 2)));
}

// getOption(fd, name): [value], or -errno
Napi::Value getOptionCall(const Napi::CallbackInfo& info) {
  const std::string name = info[1].As<Napi::String>();
  int value = 0;
  if (const int error = getSocketOption(integer(info, 0), name, &value); error < 0) return number(info, error);
  Napi::Array single = Napi::Array::New(info.Env(), 1);
  single.Set(0u, number(info, value));
  return single;
}

// [host, port], for a Unix socket [path]; or -errno
template <int (*Ask)(int, Address*)>
Napi::Value addressCall(const Napi::CallbackInfo& info) {
  Address address;
  if (const int error = Ask(integer(info, 0), &address); error < 0) return number(info, error);
  Napi::Array parts = Napi::Array::New(info.Env());
  parts.Set(0u, Napi::String::New(info.Env(), address.isUnix ? address.path : address.host));
  if (!address.isUnix) parts.Set(1u, number(info, address.port));
  return parts;
}

template <int (*Call)(int)>
Napi::Value descriptorCall(const Napi::CallbackInfo& info) {
  return number(info, Call(integer(info, 0)));
}

Napi::Value shutdownCall(const Napi::CallbackInfo& info) {
  return number(info, shutdownSocket(integer(info, 0), integer(info, 1)));
}

}  // namespace

void defineSocketFunctions(Napi::Env env, Napi::Object exports, Environment* environment) {
  defineHot(env, exports, "receive", hot<receiveBytes>, environment);
  defineHot(env, exports, "transmit", hot<transmitBytes>, environment);
  const auto define = [&](const char* name, auto call) {
    exports.Set(name, Napi::Function::New(env, call, name, environment));
  };
  define("attachFrame", attachFrame);
  define("registerBuffer", registerBuffer);
  define("releaseBuffer", releaseBuffer);
  define("isAddress", isAddressCall);
  define("listenTcp", listenTcpCall);
  define("holdTcp", holdTcpCall);
  define("connectTcp", connectTcpCall);
  define("listenUnix", listenUnixCall);
  define("openUnix", openUnixCall);
  define("connectUnix", connectUnixCall);
  exports.Set("mostPathBytes", Napi::Number::New(env, static_cast<double>(mostPathBytes())));
  define("accept", acceptCall);
  define("socketError", descriptorCall<socketError>);
  define("closeDescriptor", closeCall);
  define("shutdown", shutdownCall);
  define("setOption", setOptionCall);
  define("getOption", getOptionCall);
  define("setResetOnClose", descriptorCall<setResetOnClose>);
  define("localAddress", addressCall<localAddress>);
  define("remoteAddress", addressCall<remoteAddress>);
}

}  // namespace coreactor
