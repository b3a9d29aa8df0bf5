// Configurations: what a TOML file says, what goes before it, what is refused, and that a run's own repeats the run.
import Foundation
import Kernels
import Testing

@Suite struct ConfigurationTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 40 --side 12")
  }

  private func configuration(_ run: String) throws -> String {
    String(decoding: try place.read("\(run)/config.toml"), as: UTF8.self)
  }

  /// The files that a run's result is made of, by name.
  private func result(_ run: String) throws -> [String: [UInt8]] {
    let step = try #require(place.steps(run).last)
    let files = ["model", "ema", "optimizer"].map { "\(step)/\($0).safetensors" } + ["config.toml"]
    return try Dictionary(uniqueKeysWithValues: files.map { ($0, try place.read("\(run)/\($0)")) })
  }

  /// An option of every group, and every option of some, other than by default; grey, with classes, and colour.
  @Test(arguments: [
    "--class-conditional --width 6 --blocks 2 --order upward --activation tanh --residual post --initialization he --steps 12 --batch 7 "
      + "--learning-rate 0.003 --schedule exponential --warmup 3 --decay 0.9 --clip 1 --optimizer muon --dropout 0.1 --ema 0.9 "
      + "--evaluate-every 5 --evaluation-images 4 --gradients-every 3 --metrics-every 2 --samples 3 --keep 1 "
      + "--seed 18446744073709551615 --levels 2 --binarize dynamic --crop 10x9 --skip-bad --valid-share 0.2 "
      + "--split-seed 18446744073709551614",
    "--model mdrnn --width 6 --blocks 2 --directions 2 --residual pre --activation sigmoid --epochs 1.5 --batch 9 "
      + "--levels 4 --channels 3 --resize 7x8 --background 9,8,7 --sixteen-bit scale --class-conditional",
    "--model gated-pixelcnn --width 6 --blocks 2 --likelihood logistic-mixture --mixtures 3 --levels 16 --steps 6",
    "--model diagonal-lstm --width 6 --blocks 2 --attention 1 --whole-rows --levels 4 --steps 6",
    "--model gated-pixelcnn --width 6 --blocks 1 --levels 4 --augment shift:2,transpose,flip --class-conditional --steps 6",
    "--preset diagonal-lstm-mnist --width 6 --blocks 1 --steps 5",
  ]) func aRunsOwnConfigurationRepeatsIt(options: String) throws {
    _ = try place.succeed("train images \(options) --threads 1 --output run")
    _ = try place.succeed("train --config run/config.toml --output again")
    let (run, again) = (try result("run"), try result("again"))
    #expect(run.keys == again.keys)
    for (name, bytes) in run { #expect(again[name] == bytes, "\(name) differs") }
  }

  /// With no model named the recipe chooses, says so, and is written down; what is given goes before it.
  @Test func theDefaultIsTheRecipes() throws {
    let said = try place.succeed("train images --levels 2 --steps 3 --output run")
    #expect(said.messages.contains("No --model: diagonal-lstm, width 32") && said.messages.contains("muon"))
    let own = try configuration("run")
    for line in ["model = \"diagonal-lstm\"", "width = 32", "optimizer = \"muon\"", "batch = 16"] {
      #expect(own.contains(line), "\(line)")
    }
    _ = try place.succeed("train --config run/config.toml --output again")
    #expect(try result("run") == result("again"))
    _ = try place.succeed(
      "train images --steps 2 --batch 3 --optimizer adam --skip 0 --learning-rate 0.01 --dropout 0.3 --output given")
    let given = try configuration("given")
    for line in ["batch = 3", "learning-rate = 0.01", "dropout = 0.3", "likelihood = \"logistic-mixture\""] {
      #expect(given.contains(line), "\(line)")
    }
    #expect(!given.contains("optimizer =") && !given.contains("skip ="))
    // What names a family's size or layers, or a family, is answered as before.
    let named = ["--width 6", "--blocks 1", "--activation tanh", "--model pixelcnn", "--initialization he"]
    for (index, options) in named.enumerated() {
      let told = try place.succeed("train images \(options) --levels 2 --steps 1 --batch 4 --output named-\(index)")
      #expect(!told.messages.contains("No --model"))
      #expect(try configuration("named-\(index)").contains("model = \"pixelcnn\""))
    }
    // A default run is called by its model.
    _ = try place.succeed("train images --levels 4 --steps 1")
    #expect(place.names("Checkpoints").contains("images-diagonal-lstm"))
    #expect(try place.succeed("lr-find images --levels 2 --steps 20").messages.contains("No --model"))
  }

  /// Flags before the file before the preset before the defaults; of what excludes each other, the flag stays.
  @Test func flagsGoBeforeTheFile() throws {
    let file = """
      preset = "pixelcnn-mnist" # the lowest
      folder = "nowhere"
      name = "elsewhere"
      class-conditional = true
      [model]
      width = 6
      blocks = 1
      mixtures = 4
      likelihood = "logistic-mixture"
      [training]
      steps = 3
      batch = 9
      schedule = "exponential"
      decay = 0.5
      [levels]
      levels = 2
      binarize = "fixed"
      [images]
      resize = "8x8"
      """
    try place.write(Array(file.utf8), to: "run.toml")
    _ = try place.succeed(
      "train images --config run.toml --width 4 --likelihood categorical --epochs 1 --schedule constant --levels 4 "
        + "--crop=6x5 --no-class-conditional -o run")
    let lines = Set(try configuration("run").split(separator: "\n").map(String.init))
    for line in [
      "folder = \"images\"", "class-conditional = false", "width = 4", "blocks = 1", "likelihood = \"categorical\"",
      "epochs = 1.0", "batch = 9", "schedule = \"constant\"", "levels = 4", "crop = \"6x5\"", "learning-rate = 0.001",
    ] { #expect(lines.contains(line), "\(line)") }
    let keys = Set(lines.compactMap { $0.split(separator: " ").first.map(String.init) })
    #expect(
      keys.isDisjoint(with: ["mixtures", "steps", "minutes", "binarize", "resize", "name", "preset"]), "\(lines)")
    #expect(place.names(".") == ["images", "run", "run.toml"])
    // What the file says decides where nothing else is said.
    try place.write(
      Array("folder = \"images\"\noutput = \"other\"\n[training]\nsteps = 2\n[model]\nwidth=2\nblocks=0".utf8),
      to: "small.toml")
    #expect(
      try place.succeed("train --config=small.toml").output.contains(
        "run                 other\nsteps               2\n"))
  }

  @Test(arguments: [
    ("[model]\nwidht = 3", "run.toml, line 2", "“widht” (nearest: width)"),
    ("[training]\nlearning_rate = 1", "line 2", "(nearest: learning-rate)"),
    ("[modle]\nwidth = 3", "line 1", "[modle] (nearest: model)"), ("batch = 3", "line 1", "which stands in [training]"),
    ("model = \"mdrnn\"", "line 1", "expected a table [model]"), ("resume = true", "line 1", "only a command line"),
    ("[training]\n\nbatch = \"32\"", "line 3: [training] batch", "expected a number, found the text “32”"),
    ("[training]\nsteps = 2.5", "line 2: [training] steps", "'2.5' is invalid"),
    ("[images]\nskip-bad = 1", "line 2: [images] skip-bad", "true or false"),
    ("[images]\nresize = [3, 4]", "[images] resize", "an array"), ("name = 1979-05-27", "line 1: name", "a date"),
    ("[model]\nmodel = \"pixelcn\"", "line 2: [model] model", "'pixelcn' is invalid"),
    ("[training]\nbatch = 0", "line 2: [training] batch", "1 to 65536 images"),
    ("[levels]\nlevels = 16\nbinarize = \"fixed\"", "line 3: [levels] binarize", "--levels 2"),
    ("[training]\nsteps = 1\nminutes = 1", "line 2: [training] steps", "exclude"),
    ("preset = \"pixelcnn-mnst\"", "run.toml, line 1: preset", "(nearest: pixelcnn-mnist)"),
    ("[training]\n# most\nclip = inf", "line 3: [training] clip: expected", "0 (off) or a positive norm"),
    ("[model]\nwidth = 31", "train, with run.toml", "even width"), ("a = [1", "run.toml, line 1", "expected TOML"),
    ("[model]\nwidth = 2\nwidth = 4", "run.toml, line 3", "expected TOML"), ("folder = \"\"", "line 1: folder", "text"),
    ("\r\n[images]\r\ncrop = \"9\"\r\n", "line 3: [images] crop", "'9' is invalid"),
  ]) func whatMakesNoSenseIsNamed(text: String, at: String, why: String) throws {
    try place.write(Array(text.utf8), to: "run.toml")
    let message = try place.fail("train images --config run.toml --output run", 64)
    #expect(message.contains(at) && message.contains(why), "\(message)")
    #expect(place.names(".") == ["images", "run.toml"])
  }

  @Test func whatIsNoFileOrComesTooLateIsRefused() throws {
    // A slip on the command line is not blamed on the file, though the file has the option that it is near to.
    try place.write(Array("folder = \"images\"\n[model]\nwidth = 4\n".utf8), to: "slip.toml")
    let slip = try place.fail("train --config slip.toml --widht 3", 64)
    #expect(slip.contains("Unknown option '--widht'") && !slip.contains("slip.toml"), "\(slip)")
    #expect(try place.fail("train images --config none.toml", 65).contains("none.toml: expected a configuration"))
    #expect(try place.fail("train images --config images", 65).contains("a folder"))
    try place.write([0xFF, 0xFE], to: "bytes.toml")
    #expect(try place.fail("train images --config bytes.toml", 64).contains("UTF-8"))
    try place.write(Array("[training]\nsteps = 1\n".utf8), to: "run.toml")
    #expect(try place.fail("train --config run.toml", 64).contains("run.toml: expected folder"))
    #expect(try place.fail("train --resume --output run --config run.toml", 64).contains("--config is for a new run"))
    // One of the user's own in the run's folder is not written over.
    try place.write(Array("[training]\nsteps = 1\n".utf8), to: "run/config.toml")
    _ = try place.fail("train images --config run/config.toml --output run", 73)
    #expect(try configuration("run") == "[training]\nsteps = 1\n")
  }

  /// Without a schedule that follows it, the clock decides the length alone; the file says what repeats the run.
  @Test func aRunOfMinutesSaysWhatRepeatsIt() throws {
    let train = "train images --width 2 --blocks 0 --levels 2 --batch 9"
    _ = try place.succeed("\(train) --minutes 0.005 --schedule constant --output run")
    let text = try configuration("run")
    #expect(text.contains("minutes = 0.005\n") && text.contains("`steps = N` in place of minutes"))
    let step = try #require(place.steps("run").last)
    let number = try #require(Int(step.dropFirst(5)))
    _ = try place.succeed("train --config run/config.toml --steps \(number) --output again")
    for file in ["model", "ema", "optimizer"] {
      #expect(try place.read("run/\(step)/\(file).safetensors") == place.read("again/\(step)/\(file).safetensors"))
    }
    _ = try place.succeed("\(train) --minutes 0.002 --output cosine")
    #expect(try configuration("cosine").contains("no other run has its\n# weights bit for bit"))
  }

  /// A run that was made longer is not the run of that length; the file keeps the remark.
  @Test func aLengthThatWasChangedIsRemarked() throws {
    _ = try place.succeed("train images --width 2 --blocks 0 --levels 2 --steps 4 --output run")
    let first = try configuration("run")
    _ = try place.succeed("train --resume --output run")
    #expect(try configuration("run") == first)
    _ = try place.succeed("train --resume --output run --steps 6")
    for (length, least) in [("--steps 5", "6"), ("--epochs 0.1", "6.000"), ("--minutes 0.000001", "0.0")] {
      #expect(try place.fail("train --resume --output run \(length)", 64).contains("expected \(least)"))
    }
    _ = try place.succeed("train --resume --output run --epochs 9")
    let text = try configuration("run")
    #expect(text.contains("\n# At step 4 the length was changed from steps = 4 to steps = 6.\n"))
    #expect(
      text.contains(
        "\n# At step 6 the length was changed from steps = 6 to epochs = 9.0.\n# The cosine schedule follows"))
    #expect(first.contains("ends with the same weights") && !text.contains("ends with the same weights"))
    #expect(text.contains("\nepochs = 9.0\n") && !text.contains("\nsteps = "))
  }
}
