// The addon's entry: makes the state of one environment and fills the exports. Runs once per environment.
#include <napi.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#else
#include <pthread.h>
#endif

#include "../selector.h"
#include "datagram_functions.h"
#include "descriptor_functions.h"
#include "environment.h"
#include "host_watch_object.h"
#include "inotify_functions.h"
#include "lookup_object.h"
#include "process_functions.h"
#include "selector_object.h"
#include "signal_object.h"
#include "socket_functions.h"
#include "transfer_functions.h"

namespace coreactor {
namespace {

bool isMainThread() {
#ifdef __linux__
  return syscall(SYS_gettid) == getpid();
#else
  return pthread_main_np() == 1;
#endif
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  auto* const environment = new Environment();
  env.SetInstanceData(environment);  // deletes it when the environment ends

  Napi::Array available = Napi::Array::New(env);
  for (const std::string_view name : availableSelectors()) {
    available.Set(available.Length(), Napi::String::New(env, std::string(name)));
  }
  exports.Set("available", available);
  exports.Set("isMainThread", isMainThread());
  exports.Set("NativeSelector", SelectorObject::define(env));
  defineDatagramFunctions(env, exports);
  defineDescriptorFunctions(env, exports);
  HostWatchObject::define(env, exports);
  defineInotifyFunctions(env, exports);
  LookupObject::define(env, exports);
  defineProcessFunctions(env, exports);
  SignalObject::define(env, exports);
  defineSocketFunctions(env, exports, environment);
  defineTransferFunctions(env, exports);
  return exports;
}

}  // namespace
}  // namespace coreactor

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return coreactor::initialise(env, exports); }

NODE_API_MODULE(coreactor, Init)
