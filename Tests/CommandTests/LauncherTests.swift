// The installed command's launcher: which variant it runs on which processor, and what it refuses.
#if os(Linux) && arch(x86_64)
  import Foundation
  import Testing

  @Suite struct LauncherTests {
    /// What a processor has, as C: an answer for `feature`.
    enum Processor: String, CaseIterable {
      case newest = "1"
      case withoutBrainFloats = #"strcmp(feature, "avx512bf16")"#
      case withoutMasks = #"strncmp(feature, "avx512", 6)"#
      case withoutFusedMultiplyAdd = #"strcmp(feature, "fma")"#
      case old = "0"
    }

    /// A folder like that of an installation, with a launcher for a processor and variants that say which they are.
    private func installation(_ processor: Processor) throws -> Workplace {
      let place = try Workplace()
      for name in ["x86-64-v3", "x86-64-v4", "x86-64-v4+avx512bf16"] {
        let folder = place.path + "/lib/scanline/" + name
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try "#!/bin/sh\necho \(name) \"$#\" \"$1\"\nexit 7\n".write(
          toFile: folder + "/scanline", atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/scanline")
      }
      try FileManager.default.createDirectory(atPath: place.path + "/bin", withIntermediateDirectories: true)
      let built = try place.shell(
        "cc -o bin/scanline '-DPROCESSOR_HAS(feature)=(\(processor.rawValue))' '\(packageFolder)/Sources/Distribution/launcher.c'"
      )
      try #require(built.status == 0, "\(built.messages)")
      return place
    }

    /// What `words` of a shell do where SCANLINE_VARIANT is `variant`.
    private func launch(
      _ place: Workplace, _ words: String = "bin/scanline", variant: String? = nil
    ) throws -> Workplace.Result {
      try place.shell((variant.map { "export SCANLINE_VARIANT='\($0)'; " } ?? "unset SCANLINE_VARIANT; ") + words)
    }

    @Test(arguments: zip(Processor.allCases, ["x86-64-v4+avx512bf16", "x86-64-v4", "x86-64-v3", nil, nil]))
    func theProcessorDecides(_ processor: Processor, _ variant: String?) throws {
      let place = try installation(processor)
      let said = try launch(place, "bin/scanline 'two words' --x")
      if let variant {
        #expect(said.output == variant + " 2 two words\n" && said.status == 7)
      } else {
        #expect(said.status == 69 && said.output.isEmpty)
        #expect(said.messages.hasPrefix("scanline: this processor: expected x86-64-v3 ("))
        #expect(said.messages.hasSuffix(", found an older one\n"))
      }
    }

    @Test func aVariantCanBeAskedFor() throws {
      let place = try installation(.withoutBrainFloats)
      for variant in ["x86-64-v3", "x86-64-v4"] {
        #expect(try launch(place, variant: variant).output.hasPrefix(variant + " "))
      }
      // Nothing is asked for by an empty name.
      #expect(try launch(place, variant: "").output.hasPrefix("x86-64-v4 "))
      let beyond = try launch(place, variant: "x86-64-v4+avx512bf16")
      #expect(beyond.status == 69)
      let found = "expected x86-64-v4+avx512bf16, found one without all its instructions"
      #expect(beyond.messages == "scanline: this processor: \(found)\n")
      let unknown = try launch(place, variant: "x86-64-v2\u{1B}[2J")
      #expect(unknown.status == 64)
      let names = "x86-64-v3, x86-64-v4 or x86-64-v4+avx512bf16"
      #expect(unknown.messages == "scanline: SCANLINE_VARIANT: expected \(names), found x86-64-v2?[2J\n")
    }

    @Test func theVariantsAreFoundFromAnywhere() throws {
      let place = try installation(.newest)
      let link = place.path + "/link"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: place.path + "/bin/scanline")
      #expect(try launch(place, link).output.hasPrefix("x86-64-v4+avx512bf16 0"))
      try FileManager.default.removeItem(atPath: place.path + "/lib/scanline/x86-64-v4")
      let missing = try launch(place, link, variant: "x86-64-v4")
      #expect(missing.status == 65)
      let file = place.path + "/lib/scanline/x86-64-v4/scanline"
      #expect(missing.messages == "scanline: \(file): expected a program, found No such file or directory\n")
    }
  }
#endif
