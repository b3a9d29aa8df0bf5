// The options of `train` that say a run: what config.toml and a report's commands are written from.
import ImageData
import Networks
import Training

/// An option by its long name. Text is a string; numbers and Booleans, of which true is a flag, are themselves.
typealias StatedOption = (name: String, value: any CustomStringConvertible)

extension RunState {
  /// Every option that decides the result, in the tables of `train`'s help; `evaluationInterval` where it is known. What
  /// training reads of images beyond options (limits of memory) is not among them.
  func options(evaluationInterval: Int?) -> [(table: String?, options: [StatedOption])] {
    var levels: [StatedOption] = [("levels", quantization.levels)]
    if let binarization = quantization.binarization { levels.append(("binarize", binarization.rawValue)) }
    return [(nil, [("class-conditional", model.classCount > 0)]), ("model", model.options)]
      + (training.map { [("training", $0.options(evaluationInterval: evaluationInterval))] } ?? [])
      + [("levels", levels)] + (data.map { [("images", $0.options(channels: model.shape.channels))] } ?? [])
  }
}

extension ModelConfiguration {
  fileprivate var options: [StatedOption] {
    var options: [StatedOption] = [
      ("model", model.rawValue), ("width", width), ("blocks", blocks), ("likelihood", likelihood.rawValue),
    ]
    if let mixtures { options.append(("mixtures", mixtures)) }
    for (name, value) in family.choices.said {
      if let number = Int(value) {
        options.append((name, number))
      } else if value == "true" {
        options.append((name, true))
      } else {
        options.append((name, value))
      }
    }
    if order != .rows { options.append(("order", order.rawValue)) }
    if let skip { options.append(("skip", skip)) }
    if let augmentation { options.append(("augment", augmentation.description)) }
    return options + [("initialization", initialization.rawValue)]
  }
}

extension TrainingOptions.Length {
  /// The option that asks for it.
  var option: StatedOption {
    switch self {
    case .steps(let steps): ("steps", steps)
    case .epochs(let epochs): ("epochs", epochs)
    case .minutes(let minutes): ("minutes", minutes)
    }
  }
}

extension TrainingOptions {
  fileprivate func options(evaluationInterval: Int?) -> [StatedOption] {
    var options = [
      length.option, ("batch", batchSize), ("learning-rate", schedule.baseRate), ("schedule", schedule.course.rawValue),
    ]
    // That of a run by the clock, where it is the default, is a share of the run too: no option says so.
    if let optimizer = adam.matrices { options.insert(("optimizer", optimizer.rawValue), at: 3) }
    if schedule.warmupShare == nil { options.append(("warmup", schedule.warmupSteps)) }
    options += [("decay", schedule.decay), ("clip", adam.clipNorm), ("dropout", dropout), ("ema", adam.averageDecay)]
    if let interval = evaluationInterval ?? self.evaluationInterval { options.append(("evaluate-every", interval)) }
    return options + [
      ("evaluation-images", evaluationImages), ("gradients-every", gradientInterval),
      ("metrics-every", metricsInterval), ("samples", samples), ("keep", checkpointsKept), ("seed", seed),
    ]
  }
}

extension RunState.Data {
  fileprivate func options(channels: Int) -> [StatedOption] {
    var options: [StatedOption] = []
    if let background = loading.reading.background {
      options.append(("background", background.map(String.init).joined(separator: ",")))
    }
    if loading.reading.scalesSixteenBit { options.append(("sixteen-bit", SixteenBit.scale.rawValue)) }
    switch loading.resizing {
    case .none: break
    case .resize(let width, let height): options.append(("resize", "\(width)x\(height)"))
    case .crop(let width, let height): options.append(("crop", "\(width)x\(height)"))
    }
    options += [("channels", channels), ("skip-bad", loading.skipsBad)]
    if classesAreFolders == true { options.append(("classes-are-folders", true)) }
    return options + [("valid-share", heldOutShare), ("split-seed", splitSeed)]
  }
}
