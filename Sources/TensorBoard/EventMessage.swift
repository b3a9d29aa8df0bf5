// The messages in event files, in the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding):
// of TensorFlow's event.proto and summary.proto the fields in use, under their numbers. Writing these few takes less than
// the generated code of a library, and a fifth less time to build.
import Core
import Networks

/// The fields of a message, to be added in the order of their numbers.
struct Message {
  private(set) var bytes: [UInt8] = []

  /// A whole number or an enumeration's case; as proto3 has it, a field that is absent reads as zero.
  mutating func add(_ field: Int, _ number: Int) {
    guard number != 0 else { return }
    key(field, wireType: 0)
    varint(UInt64(bitPattern: Int64(number)))
  }

  mutating func add(_ field: Int, _ number: Double) {
    guard number.bitPattern != 0 else { return }
    key(field, wireType: 1)
    bytes += EventRecord.bytes(number.bitPattern)
  }

  /// A case of a `oneof`, which is there even at zero.
  mutating func add(_ field: Int, choice number: Float) {
    key(field, wireType: 5)
    bytes += EventRecord.bytes(number.bitPattern)
  }

  /// A message, a string in UTF-8 or bytes.
  mutating func add(_ field: Int, _ content: some Collection<UInt8>) {
    key(field, wireType: 2)
    varint(UInt64(content.count))
    bytes += content
  }

  /// Repeated numbers, packed.
  mutating func add(_ field: Int, _ numbers: [Double]) {
    guard !numbers.isEmpty else { return }
    var packed = Message()
    for number in numbers { packed.bytes += EventRecord.bytes(number.bitPattern) }
    add(field, packed.bytes)
  }

  private mutating func key(_ field: Int, wireType: Int) { varint(UInt64(field << 3 | wireType)) }

  private mutating func varint(_ number: UInt64) {
    var rest = number
    while rest > 127 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// An `Event`: a time and one thing that happened.
struct EventMessage {
  /// Seconds since 1970.
  let wallTime: Double
  /// Steps taken.
  let step: Int
  let what: What

  enum What {
    /// The first record of every file.
    case fileVersion
    /// Values of the step.
    case summary([EventValue])
    /// Events of this step and later ones that a reader has already are taken back.
    case start
  }

  /// The event on the wire.
  var bytes: [UInt8] {
    var event = Message()
    event.add(1, wallTime)
    event.add(2, step)
    switch what {
    case .fileVersion: event.add(3, "brain.Event:2".utf8)
    case .summary(let values):
      var summary = Message()
      for value in values { summary.add(1, value.message.bytes) }
      event.add(5, summary.bytes)
    case .start:
      var session = Message()
      session.add(1, 1)
      event.add(7, session.bytes)
    }
    return event.bytes
  }
}

extension EventValue {
  /// A `Summary.Value`. It carries no `SummaryMetadata`: for scalars, histograms and images TensorBoard fills it in when it
  /// reads them.
  fileprivate var message: Message {
    var value = Message()
    switch self {
    case .scalar(let tag, let number):
      value.add(1, tag.utf8)
      value.add(2, choice: Float(number))
    case .image(let tag, let png, let shape):
      var image = Message()
      image.add(1, shape.height)
      image.add(2, shape.width)
      image.add(3, shape.channels)
      image.add(4, png)
      value.add(1, tag.utf8)
      value.add(4, image.bytes)
    case .histogram(let tag, let histogram):
      value.add(1, tag.utf8)
      value.add(5, histogram.message.bytes)
    }
    return value
  }
}

extension Histogram {
  /// A `HistogramProto`: bucket i counts the numbers from limit i − 1, included, to limit i.
  fileprivate var message: Message {
    var message = Message()
    message.add(1, minimum)
    message.add(2, maximum)
    message.add(3, Double(count))
    message.add(4, sum)
    message.add(5, squares)
    message.add(6, buckets.map(\.limit))
    message.add(7, buckets.map { Double($0.count) })
    return message
  }
}

/// What a reader of a file that is cut back needs of an event: its step, and whether it holds values.
package struct EventHeader {
  package private(set) var step = 0
  package private(set) var holdsValues = false

  /// Reads the fields of an `Event`, and passes over those that it does not know. Nil where `bytes` are none.
  package init?(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while !rest.isEmpty {
      guard let key = Self.varint(&rest) else { return nil }
      let length: UInt64
      switch key & 7 {
      case 0:
        guard let number = Self.varint(&rest) else { return nil }
        if key >> 3 == 2 { step = Int(Int64(bitPattern: number)) }
        length = 0
      case 1: length = 8
      case 2:
        guard let count = Self.varint(&rest) else { return nil }
        if key >> 3 == 5 { holdsValues = true }
        length = count
      case 5: length = 4
      default: return nil
      }
      guard length <= UInt64(rest.count) else { return nil }
      rest = rest.dropFirst(Int(length))
    }
  }

  private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for shift in stride(from: 0, to: 64, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      number |= UInt64(byte & 127) << UInt64(shift)
      if byte < 128 { return number }
    }
    return nil
  }
}
