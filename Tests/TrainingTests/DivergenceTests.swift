// Numbers that are not finite stop a run before they reach the weights.
import Core
import Kernels
import Networks
import Testing
import Training

@Suite struct DivergenceTests {
  /// Lets a run take `steps` steps, spoils its parameters, and gives the error of the next step. Checks that this step
  /// changed nothing and that nothing was saved.
  private func divergence(afterSteps steps: Int, _ spoil: (ParameterVector) -> Void) throws -> ScanlineError? {
    var run = TinyRun()
    run.options.evaluationInterval = 1000
    let trainer = try run.trainer()
    if steps == 0 { spoil(trainer.adam.parameters) }
    var before = bits(trainer.adam)
    let error = failure {
      _ = try trainer.run(
        request: { .none },
        save: { _, _ in
          Issue.record("a diverged run was saved")
          return ""
        },
        report: { _ in
          guard trainer.adam.step == steps else { return }
          spoil(trainer.adam.parameters)
          before = bits(trainer.adam)
        })
    }
    #expect(trainer.adam.step == steps)
    #expect(bits(trainer.adam) == before, "nothing may be updated")
    #expect(error?.kind == .diverged && error?.kind.rawValue == 76)
    #expect(error?.expected == "finite numbers at step \(steps + 1)")
    return error
  }

  @Test(arguments: [0, 3], [Float.nan, .infinity])
  func aWeightIsNamed(steps: Int, value: Float) throws {
    let error = try divergence(afterSteps: steps) { set($0, "blocks.1.conv.weight", to: value, at: 0) }
    #expect(error?.found.hasPrefix("weights blocks.1.conv.weight that are not finite") == true)
  }

  @Test(arguments: [0, 3])
  func aLossIsNotTakenForAGradient(steps: Int) throws {
    // Finite weights whose products are not.
    let error = try divergence(afterSteps: steps) { set($0, "head.hidden.weight", to: 3e38) }
    #expect(error?.found.hasPrefix("a loss that is not finite") == true, "\(String(describing: error))")
  }

  /// The layer where the backward pass left the finite numbers is named, not the layers that it reached after that
  /// and spoilt in turn.
  @Test(arguments: [0, 3])
  func theLayerThatAGradientOverflowsInIsNamed(steps: Int) throws {
    let error = try divergence(afterSteps: steps) { parameters in
      // Forward, 10⁻³⁶ meets 3·10³⁸: some hundreds, and the head stays finite. Backward, the gradient of a pixel
      // of level 0, some tens at the block's end, meets 3·10³⁸ alone.
      set(parameters, "blocks.1.conv.weight", to: 0)
      set(parameters, "blocks.1.conv.bias", to: 1e-36)
      set(parameters, "blocks.1.expand.weight", to: 3e38)
      set(parameters, "head.hidden.weight", to: 1)
      set(parameters, "head.logits.weight", to: 1)
    }
    #expect(
      error?.found.hasPrefix("a gradient of blocks.1.conv.bias that is not finite") == true,
      "\(String(describing: error))")
  }

  /// Weights that give no finite score are neither reported as a result nor saved.
  @Test func aHeldOutScoreThatIsNotFiniteStopsTheRun() throws {
    // Finite, but their products are not.
    let spoilt = [([("head.hidden.bias", Float(3e38)), ("head.logits.weight", 3e38)], "of 4 that are not")]
    for (tensors, found) in spoilt {
      var run = TinyRun()
      run.options.evaluationInterval = 3
      let trainer = try run.trainer()
      let error = failure {
        _ = try trainer.run(
          request: { .none },
          save: { _, _ in
            Issue.record("a diverged run was saved")
            return ""
          },
          report: {
            if case .evaluated = $0 { Issue.record("no figure may be reported") }
            guard trainer.adam.step == 2 else { return }
            for (name, value) in tensors { set(trainer.adam.average, name, to: value) }
          })
      }
      #expect(error?.kind == .diverged && trainer.adam.step == 3)
      #expect(error?.expected == "finite nats of held-out images after step 3")
      #expect(error?.found.contains(found) == true, "\(String(describing: error))")
    }
  }

  /// What a step does not recompute is looked at before it too: the average and both moments.
  @Test(arguments: ["averaged weights", "first moments of", "second moments of"], [Float.nan, .infinity])
  func aSpoiltAverageOrMomentIsNamed(vector: String, value: Float) throws {
    for steps in [0, 3] {
      let trainer = try TinyRun().trainer()
      func spoil() {
        let adam = trainer.adam
        let vectors = [
          "averaged weights": adam.average, "first moments of": adam.firstMoment,
          "second moments of": adam.secondMoment,
        ]
        vectors[vector].map { set($0, "blocks.0.reduce.weight", to: value, at: 3) }
      }
      if steps == 0 { spoil() }
      var before = bits(trainer.adam)
      let error = failure {
        _ = try trainer.run(
          request: { .none },
          save: { _, _ in
            Issue.record("a diverged run was saved")
            return ""
          },
          report: { _ in
            guard trainer.adam.step == steps else { return }
            spoil()
            before = bits(trainer.adam)
          })
      }
      #expect(trainer.adam.step == steps && bits(trainer.adam) == before, "nothing may be updated")
      #expect(error?.kind == .diverged && error?.expected == "finite numbers at step \(steps + 1)")
      #expect(
        error?.found.hasPrefix("\(vector) blocks.0.reduce.weight that are not finite") == true,
        "\(String(describing: error))")
    }
  }

  /// A request to save, or the end of the run, between the step that spoilt a number and the next one.
  @Test(arguments: [TrainingRequest.save, .stop])
  func whatIsNotFiniteIsNotSaved(request: TrainingRequest) throws {
    let trainer = try TinyRun().trainer()
    let error = failure {
      _ = try trainer.run(
        request: { trainer.adam.step == 2 ? request : .none },
        save: { _, _ in
          Issue.record("a diverged run was saved")
          return ""
        },
        report: { _ in set(trainer.adam.secondMoment, "head.logits.bias", to: .infinity) })
    }
    // Found at the next step, whatever was asked.
    #expect(error?.kind == .diverged && error?.found.contains("second moments of head.logits.bias") == true)

    // Nothing held out, and the last step: no score and no further step would show it.
    var run = TinyRun()
    run.valid = nil
    run.options.length = .steps(3)
    let last = try run.trainer()
    let end = failure {
      _ = try last.run(
        request: { .none },
        save: { _, _ in
          Issue.record("a diverged run was saved")
          return ""
        },
        report: { _ in if last.adam.step == 3 { set(last.adam.parameters, "input.bias", to: .nan) } })
    }
    #expect(end?.expected == "finite numbers after step 3" && end?.found.contains("nothing was saved") == true)
    #expect(end?.found.hasPrefix("weights input.bias that are not finite") == true)
  }

  /// 2·10¹⁹ is finite, its square is not: Adam's second moment would be infinite, and the weight would never move again.
  @Test func aGradientWhoseSquareOverflowsIsNotTaken() throws {
    var run = TinyRun()
    run.options.adam.clipNorm = 0
    run.options.evaluationInterval = 1000
    let trainer = try run.trainer()
    // A bias of 10⁻³⁰ keeps the forward pass small; the way back passes 10²⁵.
    set(trainer.adam.parameters, "blocks.1.conv.weight", to: 0)
    set(trainer.adam.parameters, "blocks.1.conv.bias", to: 1e-30)
    set(trainer.adam.parameters, "blocks.1.expand.weight", to: 1e25)
    let error = failure {
      _ = try trainer.run(
        request: { .none },
        save: { _, _ in
          Issue.record("a diverged run was saved")
          return ""
        }, report: { _ in })
    }
    #expect(error?.kind == .diverged && trainer.adam.step == 1, "\(String(describing: error))")
    #expect(error?.found.contains("second moments of ") == true, "\(String(describing: error))")
  }

  /// What a picture can bring in is finite: eight bits hold nothing else, at any number of levels.
  @Test func noImageIsNotFinite() {
    for levels in 2...256 {
      let scale = PixelScale(levels: levels)
      #expect((0..<levels).allSatisfy { (0...1).contains(scale.input(UInt8($0))) })
    }
  }

  /// Sets the live elements of the tensor `name`, or only the one at `position`.
  private func set(_ parameters: ParameterVector, _ name: String, to value: Float, at position: Int? = nil) {
    for slice in parameters.layout.slices where slice.name == name {
      for i in 0..<slice.count where (slice.live?[i] ?? true) && (position ?? i) == i {
        parameters.storage[slice.offset + i] = value
      }
      return
    }
    Issue.record("no tensor \(name)")
  }
}
