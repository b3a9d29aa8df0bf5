// The graph of a model, drawn: a box for each operation, repeated blocks once.
import Core
import ImageData
import Networks
import Plotting

/// Lays the operations of a model out from the image at the top to the logits at the bottom. What reads one value stands
/// below it; stages that repeat are drawn once, in a frame that says how often.
package struct GraphDrawing {
  /// A box: an operation of a stage that is drawn, where it stands, and the boxes that it reads.
  private struct Box {
    let operation: GraphOutline.Operation
    var inputs: [Int]
    var row = 0, column = 0
  }

  /// Stages that are drawn once.
  private struct Frame {
    let stages: Range<Int>
    let boxes: Range<Int>
  }

  private let outline: GraphOutline
  private let title: String
  private var boxes: [Box] = []
  private var frames: [Frame] = []

  private static let boxWidth = 232.0, boxHeight = 62.0
  private static let gapX = 46.0, gapY = 26.0, margin = 30.0, head = 40.0

  /// The drawing of `configuration`'s model.
  package init(_ configuration: ModelConfiguration) {
    outline = ImageModel(configuration).outline
    title = "\(configuration.model.rawValue), width \(configuration.width), images of \(configuration.shape)"
    fold()
    arrange()
  }

  // MARK: - What is drawn

  /// Makes the boxes: of stages that are alike and follow one another only the first.
  private mutating func fold() {
    var boxOf: [Int: Int] = [:]
    func append(_ number: Int) {
      boxOf[number] = boxes.count
      let operation = outline.operations[number]
      boxes.append(Box(operation: operation, inputs: operation.inputs.compactMap { boxOf[$0] }))
    }
    append(0)
    var stage = 0
    while stage < outline.stages.count {
      let members = members(stage)
      var end = stage + 1
      while end < outline.stages.count, isAlike(members, self.members(end)) { end += 1 }
      let first = boxes.count
      for number in members { append(number) }
      if end > stage + 1 {
        frames.append(Frame(stages: stage..<end, boxes: first..<boxes.count))
        // What comes behind reads the last of them.
        for other in stage + 1..<end {
          for (own, number) in zip(members, self.members(other)) { boxOf[number] = boxOf[own] }
        }
      }
      stage = end
    }
  }

  private func members(_ stage: Int) -> [Int] {
    outline.operations.indices.filter { outline.operations[$0].stage == stage }
  }

  /// Whether two stages do the same, each on what the one before it gives.
  private func isAlike(_ a: [Int], _ b: [Int]) -> Bool {
    guard a.count == b.count, let first = a.first, let other = b.first else { return false }
    return zip(a, b).allSatisfy { x, y in
      let (one, two) = (outline.operations[x], outline.operations[y])
      return one.title == two.title && one.channels == two.channels && one.weights == two.weights
        && one.inputs.count == two.inputs.count
        && zip(one.inputs, two.inputs).allSatisfy {
          ($0 >= first) == ($1 >= other) && ($0 < first || $0 - first == $1 - other)
        }
    }
  }

  // MARK: - Where it stands

  /// Each box below all that it reads, and below the stages before its own; beside one another what reads the same.
  private mutating func arrange() {
    var taken: Set<[Int]> = []
    var (stage, firstRow) = (-1, 0)
    for index in boxes.indices {
      if boxes[index].operation.stage != stage {
        firstRow = (boxes[..<index].map(\.row).max() ?? -1) + 1
        stage = boxes[index].operation.stage
      }
      let row = max(firstRow, (boxes[index].inputs.map { boxes[$0].row }.max() ?? -1) + 1)
      // Under the first input that is just above, or else beside.
      var column = boxes[index].inputs.filter { boxes[$0].row == row - 1 }.map { boxes[$0].column }.max() ?? 0
      while !taken.insert([row, column]).inserted { column += 1 }
      (boxes[index].row, boxes[index].column) = (row, column)
    }
  }

  private func frame(_ box: Box) -> PlotFrame {
    PlotFrame(
      x: Self.margin + Self.lane * Double(lanes) + Double(box.column) * (Self.boxWidth + Self.gapX),
      y: Self.head + Self.margin + Double(box.row) * (Self.boxHeight + Self.gapY), width: Self.boxWidth,
      height: Self.boxHeight)
  }

  // MARK: - Lines

  private static let lane = 14.0

  /// Lines from a box to one further down than the next row run beside the boxes, each in a lane of its own.
  private var jumps: [(from: Int, to: Int)] {
    boxes.indices.flatMap { to in
      boxes[to].inputs.filter { boxes[$0].row < boxes[to].row - 1 }.map { ($0, to) }
    }
  }

  /// Lanes that are needed: lines that pass the same rows have different ones.
  private var lanes: Int { (laneOfJump.max() ?? -1) + 1 }

  private var laneOfJump: [Int] {
    var ends: [Int] = []
    return jumps.map { jump in
      let top = boxes[jump.from].row
      let bottom = boxes[jump.to].row
      if let lane = ends.firstIndex(where: { $0 <= top }) {
        ends[lane] = bottom
        return lane
      }
      ends.append(bottom)
      return ends.count - 1
    }
  }

  /// The shapes.
  package var drawing: PlotDrawing {
    let columns = (boxes.map(\.column).max() ?? 0) + 1
    let rows = (boxes.map(\.row).max() ?? 0) + 1
    let width =
      2 * Self.margin + Self.lane * Double(lanes) + Double(columns) * (Self.boxWidth + Self.gapX) - Self.gapX + 24
    var drawing = PlotDrawing(
      width: max(width, 420), height: Self.head + 2 * Self.margin + Double(rows) * (Self.boxHeight + Self.gapY),
      title: title)
    drawing.text(
      PlotFont.shortened(title, size: PlotStyle.figureTitleSize, width: drawing.width - 2 * Self.margin),
      at: PlotPoint(Self.margin, 28), size: PlotStyle.figureTitleSize)
    for frame in frames { draw(frame, in: &drawing) }
    for (jump, lane) in zip(jumps, laneOfJump) { drawJump(jump.from, jump.to, lane, in: &drawing) }
    for box in boxes {
      let target = frame(box)
      for input in box.inputs where boxes[input].row == box.row - 1 {
        let source = frame(boxes[input])
        let middle = source.bottom + Self.gapY / 2
        let (from, to) = (source.x + source.width / 2, target.x + target.width / 2)
        arrow(
          [PlotPoint(from, source.bottom), PlotPoint(from, middle), PlotPoint(to, middle), PlotPoint(to, target.y)],
          in: &drawing)
      }
    }
    for box in boxes { draw(box, in: &drawing) }
    return drawing
  }

  private func arrow(_ points: [PlotPoint], in drawing: inout PlotDrawing) {
    drawing.line(points, color: .axis, width: 1.2)
    guard let tip = points.last, points.count > 1 else { return }
    // From the side or from above.
    let isDown = abs(points[points.count - 2].x - tip.x) < 0.5
    let back = isDown ? PlotPoint(0, -6) : PlotPoint(-6, 0)
    let side = isDown ? PlotPoint(3.2, 0) : PlotPoint(0, 3.2)
    drawing.polygon([tip, tip + back + side, tip + back - side], fill: .axis)
  }

  /// A line that leaves a box at its left, runs down its lane, and enters the other at its left.
  private func drawJump(_ from: Int, _ to: Int, _ lane: Int, in drawing: inout PlotDrawing) {
    let (source, target) = (frame(boxes[from]), frame(boxes[to]))
    let x = Self.margin + Self.lane * (Double(lanes - lane) - 0.5)
    // Between the rows, where other boxes stand to the left.
    let start = source.bottom + Self.gapY / 2 - 4
    let end = target.y - Self.gapY / 2 + 4
    let isLeftmost = boxes[to].column == 0
    var points =
      boxes[from].column == 0
      ? [PlotPoint(source.x, source.y + source.height / 2), PlotPoint(x, source.y + source.height / 2)]
      : [PlotPoint(source.x + 12, source.bottom), PlotPoint(source.x + 12, start), PlotPoint(x, start)]
    points +=
      isLeftmost
      ? [PlotPoint(x, target.y + target.height / 2), PlotPoint(target.x, target.y + target.height / 2)]
      : [PlotPoint(x, end), PlotPoint(target.x + 12, end), PlotPoint(target.x + 12, target.y)]
    arrow(points, in: &drawing)
  }

  private func draw(_ frame: Frame, in drawing: inout PlotDrawing) {
    let inner = boxes[frame.boxes].map(self.frame)
    guard let left = inner.map(\.x).min(), let top = inner.map(\.y).min(), let right = inner.map(\.right).max(),
      let bottom = inner.map(\.bottom).max()
    else { return }
    let outer = PlotFrame(x: left - 9, y: top - 9, width: right - left + 34, height: bottom - top + 18)
    drawing.rectangle(outer, fill: PlotColor(0xEE_F3_F8))
    let names = "\(outline.stages[frame.stages.lowerBound]) to \(outline.stages[frame.stages.upperBound - 1])"
    drawing.text(
      "\(names): \(frame.stages.count) times", at: PlotPoint(outer.right - 7, (top + bottom) / 2),
      size: PlotStyle.labelSize, anchor: .middle, color: .axis, isVertical: true)
  }

  private func draw(_ box: Box, in drawing: inout PlotDrawing) {
    let outer = frame(box)
    let operation = box.operation
    let fill = operation.weights > 0 ? PlotColor(0xDC_EA_F7) : PlotColor(0xF4_F4_F4)
    drawing.rectangle(outer, fill: PlotColor(0x9A_A8_B5))
    drawing.rectangle(
      PlotFrame(x: outer.x + 1, y: outer.y + 1, width: outer.width - 2, height: outer.height - 2), fill: fill)
    let shape = "\(outline.shape.height)×\(outline.shape.width)×\(operation.channels)"
    let weights = operation.weights > 0 ? ", \(counted(operation.weights, "weight"))" : ""
    let lines = [
      operation.title + (operation.layers.isEmpty ? "" : "  " + operation.layers), shape + weights, operation.reach,
    ]
    for (number, line) in lines.filter({ !$0.isEmpty }).enumerated() {
      drawing.text(
        PlotFont.shortened(line, size: PlotStyle.labelSize, width: outer.width - 16),
        at: PlotPoint(outer.x + 8, outer.y + 17 + Double(number) * 17), size: PlotStyle.labelSize)
    }
  }
}
