// How a run of a report was configured, where it ran, and the commands that make it again.
import Core
import Networks
import Reports
import Training

struct ReportReproduction {
  let run: ReportRun

  /// Configuration, environment and commands.
  var html: HTML {
    var parts: [HTML] = []
    if let configuration = run.configuration {
      parts.append(.paragraph("The configuration as the run saved it (<code>config.toml</code>):"))
      parts.append(.preformatted(configuration, label: "config.toml of \(run.name)"))
    } else if let state = run.state {
      parts.append(.paragraph("The run has no <code>config.toml</code>; this is what its checkpoint says:"))
      parts.append(Self.table(state))
    } else {
      parts.append(.note("Neither <code>config.toml</code> nor a checkpoint says how the run was configured."))
    }
    if run.environment.isEmpty {
      parts.append(.note("The run has no <code>environment.json</code>: where it ran is not known."))
    } else {
      parts.append(
        .table(
          caption: "Where it ran (environment.json)", columns: ["", "value"],
          rows: run.environment.map { [HTML(text: $0.key), HTML(text: $0.value)] }))
    }
    parts.append(.paragraph("To make it, and what is shown of it, again:"))
    parts.append(.preformatted(commands.joined(separator: "\n"), label: "commands for \(run.name)"))
    if case .minutes? = run.state?.training?.length {
      parts.append(
        .note(
          """
          The run's length was in minutes, and its learning rate followed the clock: another run of the same command \
          comes out much the same, not bit for bit.
          """))
    }
    return HTML(parts)
  }

  var commands: [String] {
    let path = shellWord(run.path)
    var lines: [String] = []
    let step = (try? run.checkpoint.get())?.path ?? run.path
    if run.configuration != nil {
      lines.append("scanline train --config \(path)/config.toml --output \(shellWord(run.path + "-again"))")
    } else if let state = run.state, state.training != nil {
      let words = ["scanline"] + Self.trainArguments(state, output: run.path + "-again")
      lines.append(words.map { shellWord($0) }.joined(separator: " "))
    }
    if let folder = run.folder {
      let held = run.state?.data.map { " --valid-share \($0.heldOutShare) --split-seed \($0.splitSeed)" } ?? ""
      lines.append("scanline evaluate \(shellWord(step)) \(shellWord(folder)) --split valid\(held)")
    }
    let name = URL(fileURLWithPath: step).lastPathComponent
    lines.append("scanline sample \(shellWord(step)) --count 16 --output \(shellWord(name + ".png"))")
    return lines
  }

  // MARK: Arguments

  /// The arguments that begin the run of `state` anew as `output`, every option that decides it said.
  static func trainArguments(_ state: RunState, output: String) -> [String] {
    let options = state.options(evaluationInterval: nil).flatMap(\.options).flatMap { name, value in
      value as? Bool == false ? [] : ["--" + name] + (value is Bool ? [] : ["\(value)"])
    }
    return ["train", state.data?.folder ?? ""] + options + ["--output", output]
  }

  /// Every option with its value, for a run without config.toml.
  private static func table(_ state: RunState) -> HTML {
    var rows = state.options(evaluationInterval: nil).flatMap(\.options).map { name, value in
      [HTML(text: name), HTML(text: "\(value)")]
    }
    if let names = state.model.classNames { rows.append(["classes", HTML(text: names.joined(separator: ", "))]) }
    return .table(caption: "Options of the run", columns: ["option", "value"], rows: rows)
  }
}
