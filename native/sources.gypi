{
  "variables": {
    "core_files": [
      "interrupt.cc",
      "pollable.cc",
      "registry.cc",
      "ring.cc",
      "selector.cc",
      "selectors/epoll.cc",
      "selectors/io_uring.cc",
      "selectors/kqueue.cc",
      "selectors/mechanisms.cc",
      "selectors/poll.cc",
      "selectors/scan_selector.cc",
      "selectors/select.cc",
      "socket.cc",
      "timeout.cc",
      "wake_channel.cc"
    ],
    "binding_files": [
      "binding/addon.cc",
      "binding/environment.cc",
      "binding/selector_object.cc",
      "binding/socket_functions.cc"
    ]
  }
}
