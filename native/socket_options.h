// The options of a socket by the names of src/net/socket-options.ts. No state; any thread.
#pragma once

#include <string_view>

namespace coreactor {

// 0 or -errno; -ENOPROTOOPT: this system does not have it, -EOPNOTSUPP: this kind of socket does not.
int setSocketOption(int fd, std::string_view name, int value);
int getSocketOption(int fd, std::string_view name, int* value);

}  // namespace coreactor
