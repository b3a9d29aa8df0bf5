// The one hot loop: a tile of rows × features, held in registers, to which products are added.
//
// Forward, input gradient, weight gradient and the recurrent step are all the same sum
//   tile[m][f] += Σ_k a[m · rowStride + k · stepStride] · b[k · bStride + f],
// with k in ascending order and one rounding a product, so every code path gives the same bits.
//
// Ladder (one core of a Zen 5 server, AVX-512, multiply-add peak 231 to 241 GFLOP/s; `scanline benchmark kernels`),
// 3×3 mask B at 28×28, forward:
//                                                        width 16       32       64
//   one product a turn, 14 rows × 16, 7 rows × 32          68–85%  88–90%  90–91%   a branch missed at each end
//   one product a turn, 14 rows × 32                           –     90%     90%    half as many ends, no gain
//   four products a turn, 14 rows × 32                         –     53%     52%    addresses spill
//   four products a turn, 14 rows × 16, 7 rows × 32          85%    97.5%   97.1%
//   the same, strides known: up to 28 rows × 16               90%       –        –
// With one vector each product loads its input, and two loads a cycle are the machine's limit: at 14 rows 93% of peak,
// at 28 rows 97%. A loop over several tiles inside the compiled tile costs width 16 twelve points: addresses spill.
//
// The same on one core of a Zen 3 (AVX2, peak 98), where sixteen features are two registers of sixteen:
//   the tiles above: their sums lie on the stack                 32%     36%     36%
//   6 rows × 16, and for 32 features two such tiles              68%     77%     76%    no sum leaves the registers
//
// 1×1 weight gradient, same widths, AVX-512:
//   the bias gradient summed on its own                       67%     76%      90%    each addition waits for the last
//   as one more row of the last tile                          89%     89%      97%
//   the same, rows without a border joined                    89%     96%      97%    a loop's end missed each row

/// Rows of one vector group each. Tiles are built by stacking smaller ones; generic specialization then
/// flattens them into registers.
protocol RegisterTile {
  associatedtype Group: VectorGroup
  /// Rows in the tile.
  static var rows: Int { get }
  /// Every row the same: a bias, or zero.
  init(repeating group: Group)
  /// Row m is `row(first + m)`.
  init(from first: Int, _ row: (Int) -> Group)
  /// Rows read from memory, `stride` floats apart.
  init(loading pointer: UnsafePointer<Float>, stride: Int)
  /// row m += weights · x[m · stride]
  mutating func multiplyAdd(_ weights: Group, _ x: UnsafePointer<Float>, stride: Int)
  /// Hands each row and its number to `body`.
  mutating func forEachRow(from first: Int, _ body: (Int, Group) -> Void)
}

/// How many rows a tile has, as a type.
protocol TileHeight {
  static var rows: Int { get }
}

/// Room for the rows of a tile, one after the other.
protocol TileStorage {
  associatedtype Group: VectorGroup
  init(repeating group: Group)
}

struct Room8<Group: VectorGroup>: TileStorage {
  private var groups: (Group, Group, Group, Group, Group, Group, Group, Group)
  @inline(__always) init(repeating g: Group) { groups = (g, g, g, g, g, g, g, g) }
}
struct Room16<Group: VectorGroup>: TileStorage {
  private var groups:
    (Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group)
  @inline(__always) init(repeating g: Group) { groups = (g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g) }
}
struct Room28<Group: VectorGroup>: TileStorage {
  private var groups:
    (
      Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group,
      Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group, Group
    )
  @inline(__always) init(repeating g: Group) {
    groups = (g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g, g)
  }
}

/// `H.rows` rows in `Storage`, which has room for as many or more, reached by a pointer: once the loops over them are
/// unrolled, LLVM keeps them in registers. (Rows as stored properties of nested generic types gave the same instructions, and
/// took Swift's optimizer ten times as long.)
struct Rows<H: TileHeight, Storage: TileStorage>: RegisterTile {
  typealias Group = Storage.Group
  private var storage: Storage

  @inline(__always) static var rows: Int { H.rows }
  @inline(__always) init(repeating group: Group) { storage = Storage(repeating: group) }
  @inline(__always) init(from first: Int, _ row: (Int) -> Group) {
    self.init(repeating: .zero)
    forEachPosition { $0.pointee = row(first &+ $1) }
  }
  @inline(__always) init(loading pointer: UnsafePointer<Float>, stride: Int) {
    self.init(repeating: .zero)
    forEachPosition { $0.pointee = Group(loading: pointer + $1 &* stride) }
  }
  @inline(__always) mutating func multiplyAdd(_ weights: Group, _ x: UnsafePointer<Float>, stride: Int) {
    forEachPosition { $0.pointee.multiplyAdd(weights, x[$1 &* stride]) }
  }
  @inline(__always) mutating func forEachRow(from first: Int, _ body: (Int, Group) -> Void) {
    forEachPosition { body(first &+ $1, $0.pointee) }
  }

  /// The loop ends at a pointer, not at a number: Swift's optimizer leaves it a loop, so that its passes see one row
  /// instead of all, and LLVM unrolls it. In registers there is no stack to protect: the canary would be read in every tile.
  @inline(__always)
  private mutating func forEachPosition(_ body: (_ position: UnsafeMutablePointer<Group>, _ row: Int) -> Void) {
    _withUnprotectedUnsafeMutablePointer(to: &storage) {
      let first = UnsafeMutableRawPointer($0).assumingMemoryBound(to: Group.self)
      let end = first + H.rows
      var position = first
      var row = 0
      while position != end {
        body(position, row)
        position += 1
        row &+= 1
      }
    }
  }
}

/// A row that adds up the weights themselves: as if x were 1. A bias gradient.
struct OnesRow<Group: VectorGroup>: RegisterTile {
  var group: Group

  @inline(__always) static var rows: Int { 1 }
  @inline(__always) init(repeating group: Group) { self.group = group }
  @inline(__always) init(from first: Int, _ row: (Int) -> Group) { group = row(first) }
  @inline(__always) init(loading pointer: UnsafePointer<Float>, stride: Int) { group = Group(loading: pointer) }
  @inline(__always) mutating func multiplyAdd(_ weights: Group, _ x: UnsafePointer<Float>, stride: Int) {
    group = group.adding(weights)
  }
  @inline(__always) mutating func forEachRow(from first: Int, _ body: (Int, Group) -> Void) { body(first, group) }
}

/// The rows of `Top`, then those of `Bottom`.
struct Stack<Top: RegisterTile, Bottom: RegisterTile>: RegisterTile where Top.Group == Bottom.Group {
  typealias Group = Top.Group
  var top: Top
  var bottom: Bottom

  @inline(__always) init(top: Top, bottom: Bottom) {
    self.top = top
    self.bottom = bottom
  }
  @inline(__always) static var rows: Int { Top.rows &+ Bottom.rows }
  @inline(__always) init(repeating group: Group) {
    top = Top(repeating: group)
    bottom = Bottom(repeating: group)
  }
  @inline(__always) init(from first: Int, _ row: (Int) -> Group) {
    top = Top(from: first, row)
    bottom = Bottom(from: first &+ Top.rows, row)
  }
  @inline(__always) init(loading pointer: UnsafePointer<Float>, stride: Int) {
    top = Top(loading: pointer, stride: stride)
    bottom = Bottom(loading: pointer + Top.rows &* stride, stride: stride)
  }
  @inline(__always) mutating func multiplyAdd(_ weights: Group, _ x: UnsafePointer<Float>, stride: Int) {
    top.multiplyAdd(weights, x, stride: stride)
    bottom.multiplyAdd(weights, x + Top.rows &* stride, stride: stride)
  }
  @inline(__always) mutating func forEachRow(from first: Int, _ body: (Int, Group) -> Void) {
    top.forEachRow(from: first, body)
    bottom.forEachRow(from: first &+ Top.rows, body)
  }
}

enum Height1: TileHeight { @inline(__always) static var rows: Int { 1 } }
enum Height2: TileHeight { @inline(__always) static var rows: Int { 2 } }
enum Height3: TileHeight { @inline(__always) static var rows: Int { 3 } }
enum Height4: TileHeight { @inline(__always) static var rows: Int { 4 } }
enum Height5: TileHeight { @inline(__always) static var rows: Int { 5 } }
enum Height6: TileHeight { @inline(__always) static var rows: Int { 6 } }
enum Height7: TileHeight { @inline(__always) static var rows: Int { 7 } }
enum Height8: TileHeight { @inline(__always) static var rows: Int { 8 } }
enum Height9: TileHeight { @inline(__always) static var rows: Int { 9 } }
enum Height10: TileHeight { @inline(__always) static var rows: Int { 10 } }
enum Height11: TileHeight { @inline(__always) static var rows: Int { 11 } }
enum Height12: TileHeight { @inline(__always) static var rows: Int { 12 } }
enum Height13: TileHeight { @inline(__always) static var rows: Int { 13 } }
enum Height14: TileHeight { @inline(__always) static var rows: Int { 14 } }
enum Height15: TileHeight { @inline(__always) static var rows: Int { 15 } }
enum Height16: TileHeight { @inline(__always) static var rows: Int { 16 } }
enum Height17: TileHeight { @inline(__always) static var rows: Int { 17 } }
enum Height18: TileHeight { @inline(__always) static var rows: Int { 18 } }
enum Height19: TileHeight { @inline(__always) static var rows: Int { 19 } }
enum Height20: TileHeight { @inline(__always) static var rows: Int { 20 } }
enum Height21: TileHeight { @inline(__always) static var rows: Int { 21 } }
enum Height22: TileHeight { @inline(__always) static var rows: Int { 22 } }
enum Height23: TileHeight { @inline(__always) static var rows: Int { 23 } }
enum Height24: TileHeight { @inline(__always) static var rows: Int { 24 } }
enum Height28: TileHeight { @inline(__always) static var rows: Int { 28 } }
typealias Rows1<G: VectorGroup> = Rows<Height1, Room8<G>>
typealias Rows2<G: VectorGroup> = Rows<Height2, Room8<G>>
typealias Rows3<G: VectorGroup> = Rows<Height3, Room8<G>>
typealias Rows4<G: VectorGroup> = Rows<Height4, Room8<G>>
typealias Rows5<G: VectorGroup> = Rows<Height5, Room8<G>>
typealias Rows6<G: VectorGroup> = Rows<Height6, Room8<G>>
typealias Rows7<G: VectorGroup> = Rows<Height7, Room8<G>>
typealias Rows8<G: VectorGroup> = Rows<Height8, Room8<G>>
typealias Rows9<G: VectorGroup> = Rows<Height9, Room16<G>>
typealias Rows10<G: VectorGroup> = Rows<Height10, Room16<G>>
typealias Rows11<G: VectorGroup> = Rows<Height11, Room16<G>>
typealias Rows12<G: VectorGroup> = Rows<Height12, Room16<G>>
typealias Rows13<G: VectorGroup> = Rows<Height13, Room16<G>>
typealias Rows14<G: VectorGroup> = Rows<Height14, Room16<G>>
typealias Rows15<G: VectorGroup> = Rows<Height15, Room16<G>>
typealias Rows16<G: VectorGroup> = Rows<Height16, Room16<G>>
typealias Rows17<G: VectorGroup> = Rows<Height17, Room28<G>>
typealias Rows18<G: VectorGroup> = Rows<Height18, Room28<G>>
typealias Rows19<G: VectorGroup> = Rows<Height19, Room28<G>>
typealias Rows20<G: VectorGroup> = Rows<Height20, Room28<G>>
typealias Rows21<G: VectorGroup> = Rows<Height21, Room28<G>>
typealias Rows22<G: VectorGroup> = Rows<Height22, Room28<G>>
typealias Rows23<G: VectorGroup> = Rows<Height23, Room28<G>>
typealias Rows24<G: VectorGroup> = Rows<Height24, Room28<G>>
typealias Rows28<G: VectorGroup> = Rows<Height28, Room28<G>>

extension RegisterTile {
  /// Adds `steps` products to every element, in order.
  @inline(__always)
  mutating func accumulate(
    _ a: UnsafePointer<Float>, rowStride: Int, stepStride: Int,
    _ b: UnsafePointer<Float>, bStride: Int, steps: Int
  ) {
    var a = a
    var b = b
    var remaining = steps
    // Four at a time: the turns are then few enough for their end to be predicted.
    while remaining >= 4 {
      multiplyAdd(Group(loading: b), a, stride: rowStride)
      multiplyAdd(Group(loading: b + bStride), a + stepStride, stride: rowStride)
      multiplyAdd(Group(loading: b + 2 &* bStride), a + 2 &* stepStride, stride: rowStride)
      multiplyAdd(Group(loading: b + 3 &* bStride), a + 3 &* stepStride, stride: rowStride)
      a += 4 &* stepStride
      b += 4 &* bStride
      remaining &-= 4
    }
    while remaining > 0 {
      multiplyAdd(Group(loading: b), a, stride: rowStride)
      a += stepStride
      b += bStride
      remaining &-= 1
    }
  }
}

/// A range cut into tiles of nearly equal size, none above `most`: 32 by 14 is 11, 11, 10. Equal sizes keep the
/// tiles near the height at which they are fast; a full tile and a remainder would not.
struct EvenTiles: Sequence, IteratorProtocol {
  private var start: Int
  private let end: Int
  private let size: Int
  /// Tiles that are one larger than `size`: the first ones.
  private var larger: Int

  @inline(__always) init(_ range: Range<Int>, most: Int) {
    start = range.lowerBound
    end = range.upperBound
    let tiles = Swift.max(1, (range.count &+ most &- 1) / most)
    size = range.count / tiles
    larger = range.count &- size &* tiles
  }

  @inline(__always) mutating func next() -> Range<Int>? {
    guard start < end else { return nil }
    let first = start
    start &+= larger > 0 ? size &+ 1 : size
    larger &-= 1
    return first..<start
  }
}
