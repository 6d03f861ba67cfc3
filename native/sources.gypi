{
  "variables": {
    "core_files": [
      "address.cc",
      "interrupt.cc",
      "lookup.cc",
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
      "socket_options.cc",
      "thread_pool.cc",
      "timeout.cc",
      "wake_channel.cc"
    ],
    "binding_files": [
      "binding/addon.cc",
      "binding/environment.cc",
      "binding/lookup_object.cc",
      "binding/selector_object.cc",
      "binding/socket_functions.cc"
    ]
  }
}
