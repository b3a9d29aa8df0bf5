// swift-tools-version: 6.2
import PackageDescription

// The processor the kernels are compiled for. `native` by default; SCANLINE_BASELINE names another
// (x86-64-v3, say) for a build that is to run elsewhere. It must have fused multiply-add: then the
// results are the same, bit for bit.
#if arch(arm64)
  let processorOption = "-mcpu="
#else
  let processorOption = "-march="
#endif
let processor = Context.environment["SCANLINE_BASELINE"] ?? "native"
let simdC: [CSetting] = [.unsafeFlags([processorOption + processor, "-ffp-contract=off"])]
let simd: [SwiftSetting] = [
  .unsafeFlags(["-Xcc", processorOption + processor])
]
// environment.json says what a build was for: SCANLINE_BASELINE_NATIVE, SCANLINE_BASELINE_X86_64_V3.
let baseline = "SCANLINE_BASELINE_" + processor.uppercased().map { $0.isLetter || $0.isNumber ? "\($0)" : "_" }.joined()

let package = Package(
  name: "scanline",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "scanline", targets: ["scanline"]),
    .library(name: "Scanline", targets: ["Kernels", "ImageData", "Networks", "Training", "Evaluation"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .target(name: "CScanline", dependencies: ["CPNG", "CZlib"], cSettings: simdC),
    .target(name: "Kernels", dependencies: ["CScanline"], swiftSettings: simd),
    .target(name: "ImageData", dependencies: ["Kernels", "CScanline", "CZlib"], swiftSettings: simd),
    .target(name: "Networks", dependencies: ["Kernels"], swiftSettings: simd),
    .target(name: "Training", dependencies: ["Networks", "ImageData", "Evaluation"], swiftSettings: simd),
    .target(name: "Evaluation", dependencies: ["Networks", "ImageData"], swiftSettings: simd),
    .target(
      name: "TensorBoard",
      dependencies: ["ImageData", "Training", "Networks", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["event.proto"], swiftSettings: simd),
    .executableTarget(
      name: "scanline",
      dependencies: [
        "CScanline", "Kernels", "ImageData", "Networks", "Training", "Evaluation", "TensorBoard",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"), .product(name: "TOMLKit", package: "TOMLKit"),
      ], swiftSettings: simd + [.define(baseline)]),
    .target(
      name: "TestSupport", dependencies: ["Kernels", "ImageData", "Networks"], path: "Tests/TestSupport",
      swiftSettings: simd),
    .testTarget(name: "KernelsTests", dependencies: ["Kernels", "TestSupport"], swiftSettings: simd),
    .testTarget(name: "ImageDataTests", dependencies: ["ImageData", "CZlib", "TestSupport"], swiftSettings: simd),
    .testTarget(name: "NetworksTests", dependencies: ["Networks", "TestSupport"], swiftSettings: simd),
    .testTarget(name: "TrainingTests", dependencies: ["Training", "TestSupport"], swiftSettings: simd),
    .testTarget(
      name: "EvaluationTests", dependencies: ["Evaluation", "Training", "TestSupport"], swiftSettings: simd),
    .testTarget(
      name: "GoldenTests", dependencies: ["Training", "Evaluation", "TestSupport"], exclude: ["models.txt"],
      swiftSettings: simd),
    .testTarget(name: "TensorBoardTests", dependencies: ["TensorBoard", "TestSupport"], swiftSettings: simd),
    // Depends on the command so that it is built; the tests run it as a process.
    .testTarget(
      name: "CommandTests", dependencies: ["scanline", "TensorBoard", "Training", "TestSupport"], swiftSettings: simd),
  ],
  swiftLanguageModes: [.v6]
)
