// The functions of native/inotify.h for JavaScript.
#pragma once

#include <napi.h>

namespace coreactor {

void defineInotifyFunctions(Napi::Env env, Napi::Object exports);

}  // namespace coreactor
