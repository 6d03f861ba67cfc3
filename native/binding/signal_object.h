// A SignalSubscription as a JavaScript object: new SignalWatcher(signals) with the pipe in which they arrive.
#pragma once

#include <napi.h>

#include "../signals.h"
#include "../unique_fd.h"

namespace coreactor {

class SignalObject : public Napi::ObjectWrap<SignalObject> {
 public:
  static void define(Napi::Env env, Napi::Object exports);
  explicit SignalObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value fd(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  int result_ = -1;  // the read end, which JavaScript closes, or -errno
  UniqueFd writer_;
  SignalSubscription subscription_;  // ends before the pipe does
};

}  // namespace coreactor
