{
  "includes": ["sources.gypi"],
  "targets": [
    {
      "target_name": "coreactor",
      "sources": ["<@(core_files)", "<@(binding_files)"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "."],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags": ["-Wall", "-Wextra", "-fvisibility=hidden"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
      "cflags_cc": ["-std=c++17"],
      "conditions": [
        ["OS=='linux' and '<!(pkg-config --exists libkqueue 2>/dev/null && echo yes || echo no)'=='yes'", {
          "defines": ["COREACTOR_HAVE_KQUEUE=1"],
          "cflags": ["<!@(pkg-config --cflags libkqueue || true)"],
          "libraries": ["<!@(pkg-config --libs libkqueue || true)"]
        }],
        ["OS=='mac'", {
          "xcode_settings": {
            "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
            "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
            "MACOSX_DEPLOYMENT_TARGET": "11.0",
            "WARNING_CFLAGS": ["-Wall", "-Wextra"]
          }
        }]
      ]
    }
  ]
}
