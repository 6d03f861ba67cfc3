// The functions of native/descriptor.h for JavaScript.
#pragma once

#include <napi.h>

namespace coreactor {

void defineDescriptorFunctions(Napi::Env env, Napi::Object exports);

}  // namespace coreactor
