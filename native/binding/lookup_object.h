// A Lookup of a name's addresses as a JavaScript object.
#pragma once

#include <napi.h>

#include "../lookup.h"

namespace coreactor {

// new LookupObject(host, family): family is 4, 6 or 0 for both.
class LookupObject : public Napi::ObjectWrap<LookupObject> {
 public:
  static void define(Napi::Env env, Napi::Object exports);

  explicit LookupObject(const Napi::CallbackInfo& info);

 private:
  // To be waited on; or -errno, if it could not be started.
  Napi::Value fd(const Napi::CallbackInfo& info);
  // The hosts, a negative number for an error (see Answer), or null if there is no answer yet.
  Napi::Value take(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Lookup lookup_;
  int error_ = 0;
};

}  // namespace coreactor
