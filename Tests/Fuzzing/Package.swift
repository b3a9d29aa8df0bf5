// swift-tools-version: 6.2
// Fuzz targets: a package of its own, so that the ordinary build neither makes nor needs them. `make fuzz` builds and
// runs both; README.md says more.
import PackageDescription

let package = Package(
  name: "fuzzing",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "scanline", path: "../..")],
  targets: [
    .target(name: "AllocationCount"),
    .executableTarget(
      name: "FuzzPNG", dependencies: ["AllocationCount", .product(name: "Scanline", package: "scanline")]),
    .executableTarget(
      name: "FuzzSafetensors", dependencies: ["AllocationCount", .product(name: "Scanline", package: "scanline")]),
  ],
  swiftLanguageModes: [.v6]
)
