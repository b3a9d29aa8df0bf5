import ArgumentParser

@main
struct Scanline: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scanline", abstract: "Train, sample and score small autoregressive image models.",
    subcommands: [DrawCommand.self, InspectCommand.self, BenchmarkCommand.self])
}
