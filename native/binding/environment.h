// What the addon keeps for one JavaScript environment (the main thread or one worker), freed when that ends.
// Everything hangs off this object; nothing is static, so that many workers can load the addon.
#pragma once

#include <napi.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "../thread_pool.h"

namespace coreactor {

// The hot calls take their arguments from this shared Int32Array and leave their result in it: reading four integers
// from memory costs less than half of what passing them through N-API does. The order is that of src/native/frame.ts.
enum FrameField { kResult, kFd, kBuffer, kOffset, kLength, kFrameFields };

// A view registered for the hot calls. The reference keeps its memory alive until release().
struct Buffer {
  Napi::Reference<Napi::Uint8Array> view;
  uint8_t* data = nullptr;
  int32_t length = 0;
};

class Environment {
 public:
  Environment() = default;
  // Closes what JavaScript had no time to close: a worker that is terminated runs no finally block.
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  int32_t* frame = nullptr;
  Napi::Reference<Napi::Int32Array> frameView;
  // Look up names: as many as libuv has for it.
  ThreadPool resolvers{4, std::chrono::seconds(5)};

  // From now on this descriptor is this environment's, until forget(). Gives it back, and -errno as it is.
  int keep(int fd);
  void forget(int fd);

  // The id that the frame's kBuffer takes.
  int32_t add(Napi::Uint8Array view);
  bool remove(int32_t id);
  // Null if there is none of that id, or offset and length do not lie in it.
  uint8_t* find(int32_t id, int32_t offset, int32_t length) const;

 private:
  std::vector<bool> kept_;  // by fd
  std::vector<Buffer> buffers_;
  std::vector<int32_t> free_;
};

// keep() as the result of a call.
Napi::Value kept(const Napi::CallbackInfo& info, int fd);

}  // namespace coreactor
