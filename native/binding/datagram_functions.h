// The functions of native/datagram.h for JavaScript.
#pragma once

#include <napi.h>

namespace coreactor {

void defineDatagramFunctions(Napi::Env env, Napi::Object exports);

}  // namespace coreactor
