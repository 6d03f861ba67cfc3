// Tells a host's own loop that a selector of ours has something to say: by libuv, which polls the selector's
// descriptor, or by a thread of ours, where there is no libuv to be used or no descriptor to be polled. As a JavaScript
// object.
#pragma once

#include <napi.h>
#include <uv.h>

#include <memory>

#include "../poll_thread.h"
#include "selector_object.h"

namespace coreactor {

// A uv_poll_t with the callback that it calls. It outlives its object until libuv has closed it.
class UvPoll {
 public:
  // 0 or -errno. *place becomes null again when it is closed, which the environment's end may do.
  static int start(Napi::Env env, int fd, Napi::Function callback, UvPoll** place);
  void ref(bool on);
  // It is deleted later, and must not be used any more.
  void close();

 private:
  explicit UvPoll(Napi::Env env) : env_(env), context_(env, "coreactor") {}
  void tell();

  Napi::Env env_;
  Napi::AsyncContext context_;
  Napi::FunctionReference callback_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  UvPoll** place_ = nullptr;
  uv_poll_t handle_{};
};

// new HostWatch(selector, callback, threaded): callback() is called when wait(0) would bring something.
class HostWatchObject : public Napi::ObjectWrap<HostWatchObject> {
 public:
  static void define(Napi::Env env, Napi::Object exports);

  explicit HostWatchObject(const Napi::CallbackInfo& info);
  ~HostWatchObject() override { end(); }

 private:
  // -errno if it could not be started, else 0.
  Napi::Value error(const Napi::CallbackInfo& info);
  // To be called before the host sleeps, or nothing may be told.
  Napi::Value arm(const Napi::CallbackInfo& info);
  // ref(on): whether it keeps the host's loop alive; at first it does.
  Napi::Value ref(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  int startThread(Napi::Env env, Napi::Function callback);
  static void atExit(void* self);
  void end();

  SelectorObject* selector_;
  Napi::ObjectReference selectorReference_;
  int error_ = 0;
  UvPoll* uv_ = nullptr;
  Napi::ThreadSafeFunction call_;
  std::unique_ptr<PollThread> thread_;
};

}  // namespace coreactor
