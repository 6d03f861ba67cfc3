// The functions of native/inotify.h for JavaScript.
#include "inotify_functions.h"

#include <string>

#include "../inotify.h"
#include "environment.h"

namespace coreactor {

void defineInotifyFunctions(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, auto call) { exports.Set(name, Napi::Function::New(env, call, name)); };
  const auto integer = [](const Napi::CallbackInfo& info, size_t index) {
    return info[index].As<Napi::Number>().Int32Value();
  };
  define("openInotify", [](const Napi::CallbackInfo& info) -> Napi::Value { return kept(info, openInotify()); });
  // addWatch(fd, path, events): the watch or -errno
  define("addWatch", [=](const Napi::CallbackInfo& info) -> Napi::Value {
    const std::string path = info[1].As<Napi::String>();
    const uint32_t events = info[2].As<Napi::Number>().Uint32Value();
    return Napi::Number::New(info.Env(), addWatch(integer(info, 0), path.c_str(), events));
  });
  define("removeWatch", [=](const Napi::CallbackInfo& info) -> Napi::Value {
    return Napi::Number::New(info.Env(), removeWatch(integer(info, 0), integer(info, 1)));
  });
}

}  // namespace coreactor
