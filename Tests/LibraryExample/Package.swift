// swift-tools-version: 6.2
// A package of its own that uses Scanline as a library: what users write, built and run by `make example`.
import PackageDescription

let package = Package(
  name: "LibraryExample",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "scanline", path: "../..")],
  targets: [
    .executableTarget(name: "LibraryExample", dependencies: [.product(name: "Scanline", package: "scanline")])
  ],
  swiftLanguageModes: [.v6]
)
