// The functions of native/process.h for JavaScript.
#include "process_functions.h"

#include <string>
#include <vector>

#include "../process.h"
#include "environment.h"

namespace coreactor {
namespace {

int integer(const Napi::CallbackInfo& info, size_t index) { return info[index].As<Napi::Number>().Int32Value(); }

Napi::Value number(const Napi::CallbackInfo& info, int value) { return Napi::Number::New(info.Env(), value); }

std::vector<std::string> strings(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> result;
  for (uint32_t i = 0; i < array.Length(); ++i) result.push_back(array.Get(i).As<Napi::String>());
  return result;
}

// spawn(file, arguments[], environment[], directory, stdin, stdout, stderr, ownGroup): the pid or -errno
Napi::Value spawnCall(const Napi::CallbackInfo& info) {
  Command command;
  command.file = info[0].As<Napi::String>();
  command.arguments = strings(info[1]);
  command.environment = strings(info[2]);
  command.directory = info[3].As<Napi::String>();
  command.descriptors = {integer(info, 4), integer(info, 5), integer(info, 6)};
  command.ownGroup = info[7].ToBoolean();
  return number(info, spawnProcess(command));
}

Napi::Value openPidfdCall(const Napi::CallbackInfo& info) { return kept(info, openPidfd(integer(info, 0))); }

// reap(pid): [code, signal], 0 while it runs, or -errno
Napi::Value reapCall(const Napi::CallbackInfo& info) {
  int code = -1;
  int signal = 0;
  const int result = reapProcess(integer(info, 0), &code, &signal);
  if (result <= 0) return number(info, result);
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0u, number(info, code));
  pair.Set(1u, number(info, signal));
  return pair;
}

Napi::Value killCall(const Napi::CallbackInfo& info) {
  return number(info, killProcess(integer(info, 0), integer(info, 1)));
}

}  // namespace

void defineProcessFunctions(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, auto call) { exports.Set(name, Napi::Function::New(env, call, name)); };
  define("spawn", spawnCall);
  define("openPidfd", openPidfdCall);
  define("reap", reapCall);
  define("kill", killCall);
}

}  // namespace coreactor
