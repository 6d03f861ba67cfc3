// The functions of native/process.h for JavaScript.
#pragma once

#include <napi.h>

namespace coreactor {

void defineProcessFunctions(Napi::Env env, Napi::Object exports);

}  // namespace coreactor
