# For a checkout, and not packed: npm compiles whatever has a binding.gyp at its root when it installs it.
{ "includes": ["native/binding.gyp"] }
