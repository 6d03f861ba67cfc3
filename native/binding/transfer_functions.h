// The functions of native/transfer.h for JavaScript.
#pragma once

#include <napi.h>

namespace coreactor {

void defineTransferFunctions(Napi::Env env, Napi::Object exports);

}  // namespace coreactor
