// What one environment has: its descriptors and registered buffers; see environment.h.
#include "environment.h"

#include <unistd.h>

namespace coreactor {

Environment::~Environment() {
  for (size_t fd = 0; fd < kept_.size(); ++fd) {
    if (kept_[fd]) ::close(static_cast<int>(fd));
  }
}

int Environment::keep(int fd) {
  if (fd < 0) return fd;
  const auto slot = static_cast<size_t>(fd);
  if (slot >= kept_.size()) kept_.resize(slot + 1);
  kept_[slot] = true;
  return fd;
}

void Environment::forget(int fd) {
  if (fd >= 0 && static_cast<size_t>(fd) < kept_.size()) kept_[static_cast<size_t>(fd)] = false;
}

Napi::Value kept(const Napi::CallbackInfo& info, int fd) {
  return Napi::Number::New(info.Env(), info.Env().GetInstanceData<Environment>()->keep(fd));
}

int32_t Environment::add(Napi::Uint8Array view) {
  int32_t id = static_cast<int32_t>(buffers_.size());
  if (free_.empty()) {
    buffers_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  Buffer& buffer = buffers_[static_cast<size_t>(id)];
  buffer.view = Napi::Persistent(view);
  buffer.data = view.Data();
  buffer.length = static_cast<int32_t>(view.ByteLength());
  return id;
}

bool Environment::remove(int32_t id) {
  if (id < 0 || static_cast<size_t>(id) >= buffers_.size() || buffers_[static_cast<size_t>(id)].data == nullptr) {
    return false;
  }
  buffers_[static_cast<size_t>(id)] = Buffer();
  free_.push_back(id);
  return true;
}

uint8_t* Environment::find(int32_t id, int32_t offset, int32_t length) const {
  if (id < 0 || static_cast<size_t>(id) >= buffers_.size()) return nullptr;
  const Buffer& buffer = buffers_[static_cast<size_t>(id)];
  if (offset < 0 || length < 0 || offset > buffer.length || length > buffer.length - offset) return nullptr;
  return buffer.data + offset;
}

}  // namespace coreactor
