// The statements about depth: that they hold, that they can fail, and that what is measured is what it is called.
import Networks
import Plotting
import Testing
import Theory

@Suite struct TheoryTests {
  // MARK: Jacobians

  /// Every map that networks are built of, and one built of them, against central differences. With a step of 10⁻⁵ the
  /// third derivatives (below 10 here) leave an error of some 10⁻⁹, the rounding of values near 1 some 10⁻¹¹.
  @Test func jacobiansAreDerivatives() {
    var random = TheoryRandom(.residual, network: 3)
    let weight = random.matrix(4, largest: 1.5)
    let affine = TheoryMap.affine(weight, bias: random.vector(4))
    var maps: [(String, TheoryMap)] = [
      ("affine", affine), ("norm", .norm), ("pre", TheoryMap.norm.then(affine).residual(shortcut: 0.5)),
      ("post", affine.then(.elementwise(.tanh)).residual().then(.norm)),
    ]
    maps += TheoryActivation.allCases.map { ("\($0)", .elementwise($0)) }
    for (name, map) in maps {
      let input = random.vector(4, scale: 2)
      let jacobian = map.run(input).jacobian
      for column in 0..<4 {
        var (up, down) = (input, input)
        up[column] += 1e-5
        down[column] -= 1e-5
        for (row, (high, low)) in zip(map.run(up).value, map.run(down).value).enumerated() {
          #expect(abs((high - low) / 2e-5 - jacobian[row, column]) < 1e-8, "\(name) [\(row), \(column)]")
        }
      }
    }
  }

  /// The product of a stack's Jacobians is the derivative of the whole stack.
  @Test func productsAreDerivativesOfTheWhole() {
    var random = TheoryRandom(.recurrence, network: 1)
    let layers = (0..<6).map { _ in
      TheoryMap.affine(random.matrix(3, largest: 1), bias: random.vector(3)).then(.elementwise(.sigmoid)).residual()
    }
    let input = random.vector(3)
    let product = traces(layers, from: input)[5].product
    for column in 0..<3 {
      var (up, down) = (input, input)
      up[column] += 1e-5
      down[column] -= 1e-5
      let (high, low) = (traces(layers, from: up)[5].value, traces(layers, from: down)[5].value)
      for row in 0..<3 { #expect(abs((high[row] - low[row]) / 2e-5 - product[row, column]) < 1e-8) }
    }
  }

  @Test func derivativesStayWithinTheirBounds() {
    for activation in TheoryActivation.allCases {
      let slopes = stride(from: -30.0, through: 30, by: 0.25).map(activation.derivative)
      #expect(slopes.max() == activation.steepest && slopes.allSatisfy { $0 > 0 })
    }
  }

  @Test func matricesHaveTheirSingularValues() {
    var random = TheoryRandom(.residual, network: 0)
    #expect(abs(random.matrix(6, largest: 0.7).singularValues()[0] - 0.7) < 1e-14)
    #expect(random.orthogonal(6, scale: 3).singularValues().allSatisfy { abs($0 - 3) < 1e-13 })
    #expect(abs(TheoryMap.rootMeanSquare(random.vector(6, rms: 2)) - 2) < 1e-14)
  }

  // MARK: Statements

  @Test(arguments: TheoryStatement.allCases) func holdsAtEveryDepth(statement: TheoryStatement) {
    let report = statement.report(depth: 50)
    #expect(report.holds && report.violation == nil)
    for check in report.checks {
      #expect(check.depths.map(\.depth) == Array(1...50))
      for row in check.depths { #expect(row.holds, "\(check.name) \(check.quantity) \(row)") }
    }
  }

  /// Broken where the bound is really exceeded, and only there: at depth 1 a product of no layers is the identity.
  @Test(arguments: TheoryStatement.allCases) func isBrokenWhereItsPremiseIs(statement: TheoryStatement) {
    let report = statement.report(depth: 50, isViolated: true)
    #expect(!report.holds && report.violation != nil)
    for check in report.checks {
      for row in check.depths where !check.isCount {
        let isWithin =
          row.minimum >= (row.lower ?? -.infinity) * (1 - 1e-10)
          && row.maximum <= (row.upper ?? .infinity) * (1 + 1e-10)
        #expect(row.holds == isWithin || (row.minimum == 0 && row.lower == 0), "\(check.name) \(row)")
        if row.depth > 1 { #expect(!row.holds, "\(statement.rawValue) \(check.name) \(row)") }
      }
    }
    let firsts = report.checks.compactMap { $0.depths.first { !$0.holds }?.depth }
    #expect(firsts.allSatisfy { $0 <= 2 } && !firsts.isEmpty)
    // One layer of the recurrence is no product yet.
    if statement == .recurrence { #expect(report.checks.allSatisfy { $0.depths[0].holds }) }
  }

  /// The bounds are not only kept but met: by networks that are in the runs for it.
  @Test func boundsAreMet() throws {
    func check(_ statement: TheoryStatement, _ index: Int) -> TheoryCheck { statement.report(depth: 50).checks[index] }
    for (statement, index) in [(TheoryStatement.sigmoidChain, 0), (.tanhChain, 0), (.recurrence, 1), (.residual, 1)] {
      for row in check(statement, index).depths {
        let upper = try #require(row.upper)
        #expect(abs(row.maximum / upper - 1) < 1e-12, "\(statement.rawValue) \(row)")
      }
    }
    for row in check(.residual, 1).depths { #expect(abs(row.minimum / (try #require(row.lower)) - 1) < 1e-12) }
    // Not met but near: the branch's slope is above 1 until its unit saturates.
    let last = check(.residualLargeGain, 0).depths[49]
    #expect(last.minimum < 3 * (try #require(last.lower)))
  }

  /// 50 layers in, one order has kept its gradient, and the other has lost it.
  @Test func theOrdersPart() {
    let report = TheoryStatement.residualOrder.report(depth: 50)
    let (pre, post) = (report.checks[0].depths[49], report.checks[1].depths[49])
    #expect(pre.minimum > 0.5 && pre.maximum < 2 && (pre.lower ?? 0) > 0.1)
    #expect(post.maximum < 1e-6 && (post.upper ?? 1) < 1e-3)
    // Even the bounds are apart: the gradient of one is above what the other may have.
    #expect((post.upper ?? 1) < (pre.lower ?? 0))
  }

  @Test func countsByHand() throws {
    let report = TheoryStatement.costs.report(depth: 2)
    func value(_ name: String, _ quantity: String, _ depth: Int) throws -> Double {
      let check = try #require(report.checks.first { $0.name == name && $0.quantity == quantity })
      return check.depths[depth - 1].maximum
    }
    // k = 8: 24·8 + 8, (8·4 + 4) + (5·16 + 4) + (4·8 + 8), 8·8 + 8, 8 + 1.
    #expect(try value("pixelcnn", "weights", 1) == 200 + 36 + 84 + 40 + 72 + 9)
    // 2·8 + 8 + 2·64, 64 + 8 + 2·64, 64 + 8, 8 + 1.
    #expect(try value("mdrnn", "weights", 2) == 152 + 200 + 72 + 9)
    #expect(try value("mdrnn", "context", 2) == 14 * 10 - 1)
    #expect(try value("mdrnn", "steps, training", 2) == 2 * 31 + 4)
  }

  /// Blocks widen the receptive field until the image is full, the blind spot apart; the formula knows images of other
  /// shapes too.
  @Test func receptiveFieldFormula() {
    let report = TheoryStatement.costs.report(depth: 20)
    let context = report.checks.first { $0.name == "pixelcnn" && $0.quantity == "context" }?.depths.map(\.maximum) ?? []
    #expect(zip(context, context.dropFirst()).allSatisfy { $0 <= $1 } && context[0] < context[5])
    #expect(context[19] < 14 * 18 - 9, "the blind spot stays")
    for (height, width) in [(5, 40), (40, 5), (9, 9)] {
      for d in [0, 1, 3, 12] {
        let model = ModelConfiguration(
          width: 2, blocks: d, shape: .init(height: height, width: width, channels: 1), levels: 2
        ).makeModel()
        let seen = model.context(y: height - 1, x: width / 2).count { $0 }
        let formula = CostFormulas(height: height, width: width, features: 2).pixelCNNContext(d)
        #expect(seen == formula, "\(width)×\(height), \(d) blocks")
      }
    }
  }

  @Test func reportsRepeat() {
    let one = TheoryStatement.residual.report(depth: 5), other = TheoryStatement.residual.report(depth: 5)
    #expect(one.checks.map(\.depths) == other.checks.map(\.depths))
    // Depth 5 of a longer check is the same depth 5.
    #expect(TheoryStatement.sigmoidChain.report(depth: 1).checks[0].depths[0].upper == 0.25)
  }

  // MARK: Figures

  /// Every statement has a figure whose letters the font has, and whose crosses are there when it is broken.
  @Test(arguments: TheoryStatement.allCases, [false, true]) func figures(statement: TheoryStatement, isViolated: Bool) {
    let figure = statement.report(depth: 12, isViolated: isViolated).figure
    var hasAlarm = false
    for shape in figure.drawing.shapes {
      if case .text(let text, let position, _, _, _, _) = shape {
        #expect(PlotFont.covers(text), "\(text)")
        #expect(position.x.isFinite && position.y.isFinite && !text.hasSuffix("…"), "\(text) at \(position)")
      }
      if case .line(_, .alarm, _, _) = shape { hasAlarm = true }
    }
    #expect(hasAlarm == isViolated)
  }
}
