// The functions of native/datagram.h for JavaScript.
#include "datagram_functions.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "../datagram.h"
#include "environment.h"

namespace coreactor {
namespace {

int integer(const Napi::CallbackInfo& info, size_t index) { return info[index].As<Napi::Number>().Int32Value(); }

Napi::Value number(const Napi::CallbackInfo& info, int value) { return Napi::Number::New(info.Env(), value); }

// openDatagram(host, port, reuseAddress, reusePort, dualStack): the fd or -errno
Napi::Value openDatagramCall(const Napi::CallbackInfo& info) {
  const DatagramOptions options{info[2].ToBoolean(), info[3].ToBoolean(), info[4].ToBoolean()};
  return kept(info, openDatagram(Address{info[0].As<Napi::String>(), integer(info, 1)}, options));
}

// connectDatagram(fd, host, port)
Napi::Value connectDatagramCall(const Napi::CallbackInfo& info) {
  return number(info, connectDatagram(integer(info, 0), Address{info[1].As<Napi::String>(), integer(info, 2)}));
}

// receiveDatagrams(fd, slots, slot, most, rows): how many, or -errno
Napi::Value receiveDatagramsCall(const Napi::CallbackInfo& info) {
  auto slots = info[1].As<Napi::Uint8Array>();
  auto rows = info[4].As<Napi::Int32Array>();
  const int slot = integer(info, 2);
  const int most = integer(info, 3);
  if (slot < 0 || most < 1 || static_cast<size_t>(slot) * static_cast<size_t>(most) > slots.ByteLength() ||
      static_cast<size_t>(most) * kDatagramFields > rows.ElementLength()) {
    return number(info, -EFAULT);
  }
  return number(info, receiveDatagrams(integer(info, 0), slots.Data(), static_cast<size_t>(slot), most, rows.Data()));
}

// sendDatagram(fd, bytes, host?, port?): the size, or -errno
Napi::Value sendDatagramCall(const Napi::CallbackInfo& info) {
  const auto bytes = info[1].As<Napi::Uint8Array>();
  SocketAddress to;
  const bool hasTarget = info[2].IsString();
  if (hasTarget) {
    const int error = parse(Address{info[2].As<Napi::String>(), integer(info, 3)}, &to);
    if (error < 0) return number(info, error);
  }
  return number(info, sendDatagram(integer(info, 0), bytes.Data(), bytes.ByteLength(), hasTarget ? &to : nullptr));
}

// sendDatagrams(fd, bytes[], hosts[], ports[]): how many were sent, or -errno; without hosts to the connected peer
Napi::Value sendDatagramsCall(const Napi::CallbackInfo& info) {
  const auto bytes = info[1].As<Napi::Array>();
  const bool hasTargets = info[2].IsArray();
  const uint32_t count = bytes.Length();
  std::vector<SocketAddress> targets(count);
  std::vector<Datagram> datagrams(count);
  for (uint32_t i = 0; i < count; i++) {
    const auto view = bytes.Get(i).As<Napi::Uint8Array>();
    if (hasTargets) {
      const Address address{info[2].As<Napi::Array>().Get(i).As<Napi::String>(),
                            info[3].As<Napi::Array>().Get(i).As<Napi::Number>().Int32Value()};
      if (const int error = parse(address, &targets[i]); error < 0) return number(info, error);
    }
    datagrams[i] = {view.Data(), view.ByteLength(), hasTargets ? &targets[i] : nullptr};
  }
  return number(info, sendDatagrams(integer(info, 0), datagrams.data(), static_cast<int>(count)));
}

// setMembership(fd, group, interface, joins)
Napi::Value setMembershipCall(const Napi::CallbackInfo& info) {
  const std::string interface = info[2].As<Napi::String>();
  const Address group{info[1].As<Napi::String>(), 0};
  return number(info, setMembership(integer(info, 0), group, interface.c_str(), info[3].ToBoolean()));
}

// setMulticastInterface(fd, interface)
Napi::Value setMulticastInterfaceCall(const Napi::CallbackInfo& info) {
  const std::string interface = info[1].As<Napi::String>();
  return number(info, setMulticastInterface(integer(info, 0), interface.c_str()));
}

}  // namespace

void defineDatagramFunctions(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, auto call) { exports.Set(name, Napi::Function::New(env, call, name)); };
  define("openDatagram", openDatagramCall);
  define("connectDatagram", connectDatagramCall);
  define("receiveDatagrams", receiveDatagramsCall);
  define("sendDatagram", sendDatagramCall);
  define("sendDatagrams", sendDatagramsCall);
  define("setMembership", setMembershipCall);
  define("setMulticastInterface", setMulticastInterfaceCall);
}

}  // namespace coreactor
