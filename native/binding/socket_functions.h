// The functions of native/socket.h for JavaScript.
#pragma once

#include <napi.h>

namespace coreactor {

class Environment;

void defineSocketFunctions(Napi::Env env, Napi::Object exports, Environment* environment);

}  // namespace coreactor
