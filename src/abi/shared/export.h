/* Exports a function under its own name. Works with Emscripten and wasi-sdk, and needs no list of symbols. */
#ifndef ISOTEL_EXPORT_H_
#define ISOTEL_EXPORT_H_

#ifdef __wasm__
#define ISOTEL_EXPORT(result, name, arguments) __attribute__((export_name(#name))) result name arguments
#else
#define ISOTEL_EXPORT(result, name, arguments) result name arguments
#endif

#endif /* ISOTEL_EXPORT_H_ */
