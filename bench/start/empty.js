// An ES module that does nothing: what any module costs beyond `node -e 0`.
export {};
