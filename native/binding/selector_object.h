// A native selector as a JavaScript object. Errors come back as -errno; src/native turns them into exceptions.
#pragma once

#include <napi.h>

#include <memory>

#include "../interrupt.h"
#include "../selector.h"

namespace coreactor {

class SelectorObject : public Napi::ObjectWrap<SelectorObject> {
 public:
  static Napi::Function define(Napi::Env env);

  // new SelectorObject(name, rows): rows is an Int32Array whose first kHead fields are a head (see
  // src/kernel/selector-port.ts) and whose rest takes the rows.
  explicit SelectorObject(const Napi::CallbackInfo& info);

  // Null after close().
  Selector* get() { return selector_.get(); }

 private:
  Napi::Value name(const Napi::CallbackInfo& info);
  Napi::Value edges(const Napi::CallbackInfo& info);
  Napi::Value lazy(const Napi::CallbackInfo& info);
  Napi::Value fd(const Napi::CallbackInfo& info);
  Napi::Value add(const Napi::CallbackInfo& info);
  Napi::Value modify(const Napi::CallbackInfo& info);
  Napi::Value remove(const Napi::CallbackInfo& info);
  Napi::Value wait(const Napi::CallbackInfo& info);
  Napi::Value attachMailbox(const Napi::CallbackInfo& info);
  void detachMailbox(const Napi::CallbackInfo& info);
  Napi::Value flush(const Napi::CallbackInfo& info);
  Napi::Value wake(const Napi::CallbackInfo& info);
  Napi::Value watchSignals(const Napi::CallbackInfo& info);
  Napi::Value unwatchSignals(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Selector& open(const Napi::CallbackInfo& info);

  Napi::Reference<Napi::Int32Array> rows_;
  Napi::Reference<Napi::Uint8Array> inbox_;
  Napi::Reference<Napi::Uint8Array> outbox_;
  Napi::Reference<Napi::Int32Array> orders_;
  std::unique_ptr<Selector> selector_;
  SignalWatch signals_;  // after the selector: it must let go of it first
};

}  // namespace coreactor
