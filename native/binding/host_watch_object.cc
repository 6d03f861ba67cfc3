// How a selector is heard in a host's own loop; see host_watch_object.h.
#include "host_watch_object.h"

namespace coreactor {
namespace {

// There is no caller to whom an exception could be thrown: it ends the program as any that nobody has caught.
template <class Call>
void callInto(Napi::Env env, Call call) {
  const Napi::HandleScope scope(env);
  try {
    call();
  } catch (const Napi::Error& error) {
    try {
      napi_fatal_exception(env, error.Value());
    } catch (const Napi::Error&) {
      // A worker that is being terminated: nobody is left to be told.
    }
  }
}

}  // namespace

int UvPoll::start(Napi::Env env, int fd, Napi::Function callback, UvPoll** place) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return UV_ENOSYS;
  auto* const poll = new UvPoll(env);
  if (const int error = uv_poll_init(loop, &poll->handle_, fd); error < 0) {
    delete poll;
    return error;
  }
  poll->handle_.data = poll;
  poll->callback_ = Napi::Persistent(callback);
  // A worker that ends must have closed its handles, and that takes a turn of its loop: so the hook is an asynchronous
  // one, which is over when it is removed.
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void* self) { static_cast<UvPoll*>(self)->close(); }, poll, &poll->hook_);
  uv_poll_start(&poll->handle_, UV_READABLE,
                [](uv_poll_t* handle, int, int) { static_cast<UvPoll*>(handle->data)->tell(); });
  poll->place_ = place;
  *place = poll;
  return 0;
}

void UvPoll::tell() {
  callInto(env_, [this] { callback_.MakeCallback(env_.Global(), {}, context_); });
}

void UvPoll::ref(bool on) {
  auto* const handle = reinterpret_cast<uv_handle_t*>(&handle_);
  if (on) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

void UvPoll::close() {
  auto* const handle = reinterpret_cast<uv_handle_t*>(&handle_);
  if (uv_is_closing(handle) != 0) return;
  *place_ = nullptr;
  callback_.Reset();
  uv_close(handle, [](uv_handle_t* closed) {
    auto* const poll = static_cast<UvPoll*>(closed->data);
    napi_remove_async_cleanup_hook(poll->hook_);
    delete poll;
  });
}

void HostWatchObject::define(Napi::Env env, Napi::Object exports) {
  exports.Set("HostWatch", DefineClass(env, "HostWatch",
                                       {
                                           InstanceAccessor<&HostWatchObject::error>("error"),
                                           InstanceMethod<&HostWatchObject::arm>("arm"),
                                           InstanceMethod<&HostWatchObject::ref>("ref"),
                                           InstanceMethod<&HostWatchObject::close>("close"),
                                       }));
}

HostWatchObject::HostWatchObject(const Napi::CallbackInfo& info)
    : ObjectWrap(info), selector_(SelectorObject::Unwrap(info[0].As<Napi::Object>())) {
  selectorReference_ = Napi::Persistent(info[0].As<Napi::Object>());
  const auto callback = info[1].As<Napi::Function>();
  const bool threaded = info[2].ToBoolean();
  error_ =
      threaded ? startThread(info.Env(), callback) : UvPoll::start(info.Env(), selector_->get()->fd(), callback, &uv_);
}

int HostWatchObject::startThread(Napi::Env env, Napi::Function callback) {
  call_ = Napi::ThreadSafeFunction::New(env, callback, "coreactor", 0, 1);
  thread_ = std::make_unique<PollThread>();
  const Napi::ThreadSafeFunction call = call_;
  const auto tell = [](Napi::Env own, Napi::Function function) { callInto(own, [&] { function.Call({}); }); };
  const int error = thread_->start([call, tell] { call.NonBlockingCall(tell); });
  // A worker that ends frees the function before us, who must not use it any more. Hooks run last one first: this one
  // comes before the function's own.
  napi_add_env_cleanup_hook(env, &HostWatchObject::atExit, this);
  if (error < 0) end();
  return error;
}

void HostWatchObject::atExit(void* self) { static_cast<HostWatchObject*>(self)->end(); }

Napi::Value HostWatchObject::error(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), error_); }

Napi::Value HostWatchObject::arm(const Napi::CallbackInfo& info) {
  Selector* const selector = selector_->get();
  if (thread_ != nullptr && selector != nullptr) thread_->arm(selector->pollSet());
  return info.Env().Undefined();
}

Napi::Value HostWatchObject::ref(const Napi::CallbackInfo& info) {
  const bool on = info[0].ToBoolean();
  if (uv_ != nullptr) uv_->ref(on);
  if (thread_ != nullptr) {
    if (on) {
      call_.Ref(info.Env());
    } else {
      call_.Unref(info.Env());
    }
  }
  return info.Env().Undefined();
}

Napi::Value HostWatchObject::close(const Napi::CallbackInfo& info) {
  end();
  return info.Env().Undefined();
}

void HostWatchObject::end() {
  if (uv_ != nullptr) uv_->close();
  if (thread_ != nullptr) {
    napi_remove_env_cleanup_hook(Env(), &HostWatchObject::atExit, this);
    thread_.reset();
    call_.Release();
  }
}

}  // namespace coreactor
