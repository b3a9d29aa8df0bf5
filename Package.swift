// swift-tools-version: 6.2
import PackageDescription

// The processor that all is compiled for: this one, or what SCANLINE_BASELINE names for a build that is to run elsewhere
// (x86-64-v3, or x86-64-v4+avx512bf16 with one more of its instruction sets). It must have fused multiply-add: then the
// results are the same, bit for bit.
let baseline = Context.environment["SCANLINE_BASELINE"] ?? "native"
#if arch(arm64)
  let processor = ["-mcpu=" + baseline]
#else
  let sets = baseline.split(separator: "+")
  let processor = ["-march=\(sets[0])"] + sets.dropFirst().map { "-m\($0)" }
#endif
let simdC: [CSetting] = [.unsafeFlags(processor + ["-ffp-contract=off"])]
// Lines for a debugger take a tenth of a release build's time; SCANLINE_DEBUG_INFO=1 keeps them. Names stay in any case.
let hasLines = Context.environment["SCANLINE_DEBUG_INFO"] == "1"
let withoutLines: [SwiftSetting] = [.unsafeFlags(["-Xfrontend", "-gnone"], .when(configuration: .release))]
let simd: [SwiftSetting] = [.unsafeFlags(processor.flatMap { ["-Xcc", $0] })] + (hasLines ? [] : withoutLines)
// LLVM unrolls a tile's loop over its rows, up to 28 of them, however long a row's code is.
let unrolled: [SwiftSetting] = [.unsafeFlags(["-Xllvm", "-unroll-threshold=1500"])]
// Code that computes little itself is compiled without the optimizer, which would take three quarters of its build.
let unoptimized: [SwiftSetting] = [.unsafeFlags(["-Onone", "-assert-config", "Release"])]

/// Tests name every module that they import: what depends on another by a third alone is not built anew with it.
func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], settings: [SwiftSetting] = unoptimized
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], exclude: exclude, swiftSettings: simd + settings)
}

let package = Package(
  name: "scanline",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "scanline", targets: ["scanline"]),
    .library(name: "Scanline", targets: ["Core", "Evaluation", "ImageData", "Networks", "Safetensors", "Training"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .target(
      name: "CScanline", dependencies: ["CPNG", "CZlib"],
      cSettings: simdC + [.define("SCANLINE_BASELINE", to: "\"\(baseline)\"")]),
    .target(name: "Core", dependencies: ["CScanline"], swiftSettings: simd),
    .target(name: "Safetensors", dependencies: ["Core"], swiftSettings: simd),
    .target(name: "ImageData", dependencies: ["Core", "CScanline", "CZlib"], swiftSettings: simd),
    .target(name: "Kernels", dependencies: ["Core", "CScanline"], swiftSettings: simd + unrolled),
    .target(name: "Networks", dependencies: ["Core", "Kernels", "Safetensors"], swiftSettings: simd),
    .target(name: "Plotting", dependencies: ["Core", "ImageData"], swiftSettings: simd),
    .target(
      name: "Evaluation", dependencies: ["Core", "ImageData", "Kernels", "Networks", "Plotting"], swiftSettings: simd),
    .target(name: "Theory", dependencies: ["Core", "Kernels", "Networks", "Plotting"], swiftSettings: simd),
    .target(
      name: "Training", dependencies: ["Core", "ImageData", "Kernels", "Networks", "Safetensors"], swiftSettings: simd),
    .target(
      name: "Reports", dependencies: ["Core", "ImageData", "Networks", "Plotting", "Training"], swiftSettings: simd),
    .target(name: "TensorBoard", dependencies: ["Core", "Networks", "Training"], swiftSettings: simd),
    .executableTarget(
      name: "scanline",
      dependencies: [
        "CScanline", "Core", "Evaluation", "ImageData", "Kernels", "Networks", "Plotting", "Reports", "Safetensors",
        "TensorBoard", "Theory", "Training",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "TOMLKit", package: "TOMLKit"),
      ], swiftSettings: simd + unoptimized),
    .target(
      name: "TestSupport", dependencies: ["Core", "Kernels", "Networks"], path: "Tests/TestSupport",
      swiftSettings: simd),
    tests("KernelsTests", ["Core", "Kernels"], settings: []),
    tests("ImageDataTests", ["Core", "ImageData", "CZlib"]),
    tests("NetworksTests", ["Core", "Kernels", "Networks", "Safetensors"], settings: []),
    tests("TrainingTests", ["Core", "Evaluation", "ImageData", "Kernels", "Networks", "Safetensors", "Training"]),
    tests(
      "EvaluationTests", ["Core", "Evaluation", "ImageData", "Kernels", "Networks", "Plotting", "Reports", "Theory"]),
    tests(
      "GoldenTests", ["Core", "Evaluation", "ImageData", "Kernels", "Networks", "Training"], exclude: ["models.txt"]),
    tests("TensorBoardTests", ["Core", "Networks", "TensorBoard", "Training"]),
    // Depends on the command so that it is built; the tests run it as a process.
    tests(
      "CommandTests",
      [
        "scanline", "Core", "Evaluation", "ImageData", "Kernels", "Networks", "Safetensors", "TensorBoard", "Training",
      ]),
  ],
  swiftLanguageModes: [.v6]
)
