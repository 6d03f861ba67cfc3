// The functions of native/transfer.h for JavaScript.
#include "transfer_functions.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <vector>

#include "../transfer.h"

namespace coreactor {
namespace {

// transmitMany(fd, views, from, done): the bytes of views[from...], less the first `done`; how many went, or -errno
Napi::Value transmitManyCall(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const auto views = info[1].As<Napi::Array>();
  const uint32_t from = info[2].As<Napi::Number>().Uint32Value();
  const size_t done = info[3].As<Napi::Number>().Uint32Value();
  const uint32_t end = std::min<uint32_t>(views.Length(), from + IOV_MAX);
  std::vector<iovec> buffers;
  for (uint32_t i = from; i < end; i++) {
    auto view = views.Get(i).As<Napi::Uint8Array>();
    const size_t skipped = i == from ? done : 0;
    if (skipped > view.ByteLength()) return Napi::Number::New(info.Env(), -EFAULT);  // it has shrunk meanwhile
    iovec buffer;
    buffer.iov_base = view.Data() + skipped;
    buffer.iov_len = view.ByteLength() - skipped;
    buffers.push_back(buffer);
  }
  return Napi::Number::New(info.Env(), transmitMany(fd, buffers.data(), buffers.size()));
}

// sendFile(to, file, offset, length): how many bytes went, or -errno
Napi::Value sendFileCall(const Napi::CallbackInfo& info) {
  const int to = info[0].As<Napi::Number>().Int32Value();
  const int file = info[1].As<Napi::Number>().Int32Value();
  const int64_t offset = info[2].As<Napi::Number>().Int64Value();
  const auto length = static_cast<size_t>(info[3].As<Napi::Number>().Uint32Value());
  return Napi::Number::New(info.Env(), static_cast<double>(sendFile(to, file, offset, length)));
}

}  // namespace

void defineTransferFunctions(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, auto call) { exports.Set(name, Napi::Function::New(env, call, name)); };
  define("transmitMany", transmitManyCall);
  define("sendFile", sendFileCall);
}

}  // namespace coreactor
