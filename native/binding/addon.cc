// The addon's entry: makes the state of one environment and fills the exports. Runs once per environment.
#include <napi.h>

#include "../selector.h"
#include "environment.h"
#include "lookup_object.h"
#include "selector_object.h"
#include "socket_functions.h"

namespace coreactor {
namespace {

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  auto* const environment = new Environment();
  env.SetInstanceData(environment);  // deletes it when the environment ends

  Napi::Array available = Napi::Array::New(env);
  for (const std::string_view name : availableSelectors()) {
    available.Set(available.Length(), Napi::String::New(env, std::string(name)));
  }
  exports.Set("available", available);
  exports.Set("NativeSelector", SelectorObject::define(env));
  LookupObject::define(env, exports);
  defineSocketFunctions(env, exports, environment);
  return exports;
}

}  // namespace
}  // namespace coreactor

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return coreactor::initialise(env, exports); }

NODE_API_MODULE(coreactor, Init)
