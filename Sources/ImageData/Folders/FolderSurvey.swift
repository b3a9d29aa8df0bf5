// Everything there is to know of a folder before training on it: every file is decoded, none is kept.
import Core

/// What a folder holds, and what training would make of it. Encodes to the JSON of `scanline inspect --json`.
package struct FolderSurvey: Sendable, Encodable {
  /// A size in pixels and how many images have it.
  package struct Size: Sendable, Encodable, Equatable {
    /// Pixels in a row.
    package let width: Int
    /// Rows.
    package let height: Int
    /// How many images have this size.
    package let images: Int
  }

  /// A class, or nil for images without one, and its images in each split.
  package struct ClassCount: Sendable, Encodable, Equatable {
    /// The class.
    package let name: String?
    /// Images to train on.
    package let train: Int
    /// Images held out.
    package let valid: Int
    /// Images of the test split.
    package let test: Int
  }

  /// The folder.
  package let path: String
  /// How it is laid out.
  package let layout: ImageFolder.Layout
  /// PNG files, bad ones included.
  package let images: Int
  /// Sizes as stored, the commonest first.
  package let sizes: [Size]
  /// Modes ("8-bit grey") and how many images have each.
  package let modes: [String: Int]
  /// Images with transparency.
  package let transparent: Int
  /// Images with 16-bit samples.
  package let sixteenBit: Int
  /// Images that read as one channel and as three.
  package let grey: Int, colour: Int
  /// Images by class and split, bad ones left out.
  package let classes: [ClassCount]
  /// Images by split, bad ones left out.
  package let train: Int, valid: Int, test: Int
  /// Whether the validation images are chosen by a hash of their paths: no folder holds any.
  package let isHeldOutByHash: Bool
  /// Files that are no PNG by name, by extension.
  package let ignored: [String: Int]
  /// What else was passed over.
  package let passedOver: PassedOver
  /// Files that cannot be decoded, in listing order.
  package let bad: [ImageSet.Skipped]
  /// Files that decode with a warning of libpng's, in listing order.
  package let warnings: [ImageSet.Skipped]
  /// The fewest levels (2, 4, 8, … 256) that show every value exactly.
  package let levels: Int
  /// The shape that training would have; nil where it would refuse.
  package let shape: ImageShape?
  /// Flags that training would want first, each with its reason; empty where it would run.
  package var needs: [String]
  /// Images that are in two splits.
  package let duplicates: Duplicates
  /// Remarks on how the folder was read.
  package var notes: [String]

  /// Decodes every file of `folder` on `threads` threads and counts what `options` would make of it. Bad files
  /// are counted, not thrown. `progress` is told, from any thread, how many files have been read since it was last
  /// called.
  package init(
    of folder: ImageFolder, options: ImageLoadingOptions = ImageLoadingOptions(),
    threads: Int = availableThreads(), progress: @Sendable (_ files: Int) -> Void = { _ in }
  ) {
    var (entries, records) = (folder.entries, Self.read(folder.entries, options, threads, progress))
    var passedOver = folder.passedOver
    if !folder.takesOwnPictures {
      // Of a large folder, the listing has not looked at every file.
      let own = entries.indices.filter { records[$0].image?.header.isOwn ?? false }
      passedOver.pictures += own.map { entries[$0].path }
      let others = Set(entries.indices).subtracting(own).sorted()
      if !own.isEmpty { (entries, records) = (others.map { entries[$0] }, others.map { records[$0] }) }
    }
    self.passedOver = passedOver
    let headers = records.compactMap { $0.image?.header }
    func named(_ part: (FileRecord) -> String?) -> [ImageSet.Skipped] {
      zip(entries, records).compactMap { entry, record in
        part(record).map { ImageSet.Skipped(path: entry.path, reason: $0) }
      }
    }
    path = folder.path
    layout = folder.layout
    images = entries.count
    sizes = Dictionary(grouping: headers) { SIMD2($0.width, $0.height) }
      .map { Size(width: $0.key.x, height: $0.key.y, images: $0.value.count) }
      .sorted { ($1.images, $0.width, $0.height) < ($0.images, $1.width, $1.height) }
    modes = Dictionary(grouping: headers, by: \.mode).mapValues(\.count)
    transparent = headers.count { $0.hasAlpha }
    sixteenBit = headers.count { $0.bitDepth == 16 }
    grey = headers.count { $0.channels(over: options.reading.background) == 1 }
    colour = headers.count - grey
    let good = zip(entries, records).filter { $1.image != nil }.map(\.0)
    classes = Self.classCounts(good, folder.classes)
    train = good.count { $0.split == .train }
    valid = good.count { $0.split == .valid }
    test = good.count { $0.split == .test }
    isHeldOutByHash = valid > 0 && !folder.splitFolders.contains(.valid)
    ignored = folder.ignored
    bad = named(\.problem)
    warnings = named(\.image?.warning)
    let hashes = zip(entries, records).compactMap { entry, record in record.image.map { (entry, $0.hash) } }
    let decoder = PNGDecoder()
    duplicates = Duplicates(hashes) { try? Self.trainingImage($0.path, decoder, options) }
    levels = Self.levels(showing: records)
    notes = folder.notes.filter { !folder.passedOver.notes.contains($0) } + passedOver.notes
    var needs: [String] = []
    if transparent > 0 && options.reading.background == nil {
      needs.append("`background` 255 (or another colour): images with transparency: \(transparent)")
    }
    if sixteenBit > 0 && !options.reading.scalesSixteenBit {
      needs.append("`scalesSixteenBit`: images with 16-bit samples: \(sixteenBit)")
    }
    if grey > 0 && colour > 0 && options.channels == nil {
      needs.append("`channels` 1 or `channels` 3: \(grey) grey and \(colour) colour images")
    }
    if sizes.count > 1 && options.resizing == .none {
      needs.append("`resize` \(sizes[0].width)x\(sizes[0].height), or `crop`: \(sizes.count) sizes")
    }
    if case .crop(let width, let height) = options.resizing {
      let small = headers.count { $0.width < width || $0.height < height }
      if small > 0 { needs.append("a smaller `crop`: images below \(width)×\(height): \(small)") }
    }
    if !bad.isEmpty && !options.skipsBad {
      needs.append("`skipsBad`: files that cannot be read: \(bad.count)")
    }
    if train == 0 { needs.append("images to train on: there are none") }
    self.needs = needs
    let size = options.resizing.size ?? sizes.first.map { ($0.width, $0.height) }
    let channels = options.channels ?? (colour > 0 ? 3 : 1)
    shape =
      needs.isEmpty
      ? size.map { ImageShape(height: $0.height, width: $0.width, channels: channels) } : nil
  }

  /// One file: its header, which of the 256 values occur, a warning, and the hash of what training would read; or what
  /// was wrong.
  private struct FileRecord: Sendable {
    var image: (header: PNGHeader, values: SIMD4<UInt64>, warning: String?, hash: UInt64?)?
    var problem: String?
  }

  private static func read(
    _ entries: [ImageFolder.Entry], _ options: ImageLoadingOptions, _ threads: Int,
    _ progress: @Sendable (_ files: Int) -> Void
  ) -> [FileRecord] {
    let decoders = (0..<max(1, min(threads, entries.count))).map { _ in PNGDecoder() }
    let blocks = (entries.count + 255) / 256
    let records = Locked([[FileRecord]](repeating: [], count: blocks))
    parallelFor(blocks, threads: threads) { block, worker in
      let part = entries[block * 256..<min(entries.count, (block + 1) * 256)].map {
        record($0.path, decoders[worker], options)
      }
      progress(part.count)
      records.withLock { $0[block] = part }
    }
    return records.withLock { Array($0.joined()) }
  }

  private static func record(_ path: String, _ decoder: PNGDecoder, _ options: ImageLoadingOptions) -> FileRecord {
    do {
      let reading = surveyed(options.reading)
      let header = try decoder.open(path: path, limits: reading.limits)
      let image = try PNGImage(decoder, header, reading, nil)
      let warning = decoder.warning
      var seen = SIMD4<UInt64>()
      for value in image.values { seen[Int(value >> 6)] |= 1 << UInt64(value & 63) }
      let isAsRead = options.resizing == .none && (options.channels ?? image.shape.channels) == image.shape.channels
      let read = isAsRead ? image : try? trainingImage(path, decoder, options)
      return FileRecord(image: (header, seen, warning, read.map(ContentHash.of)))
    } catch { return FileRecord(problem: error.reason) }
  }

  /// Choices that are still open are made somehow: what matters is whether a file decodes, and what it equals.
  private static func surveyed(_ reading: PNGReadOptions) -> PNGReadOptions {
    var reading = reading
    reading.background = reading.background ?? [0]
    reading.scalesSixteenBit = true
    return reading
  }

  /// The image as training reads it. Throws where it cannot.
  private static func trainingImage(
    _ path: String, _ decoder: PNGDecoder, _ options: ImageLoadingOptions
  ) throws -> PNGImage {
    let reading = surveyed(options.reading)
    let header = try decoder.open(path: path, limits: reading.limits)
    return try PNGImage(decoder, header, reading, options.channels).resized(options.resizing, name: path)
  }

  private static func levels(showing records: [FileRecord]) -> Int {
    let seen = records.reduce(into: SIMD4<UInt64>()) { $0 |= $1.image?.values ?? SIMD4() }
    let values: [UInt8] = (0...255).filter { (value: UInt8) in
      let word: UInt64 = seen[Int(value >> 6)]
      return word >> UInt64(value & 63) & 1 == 1
    }
    let exact = (1...8).map { 1 << $0 }.first { count in
      guard let quantization = try? Quantization(levels: count) else { return false }
      return values.allSatisfy { quantization.displayValue(quantization.level(of: $0)) == $0 }
    }
    return exact ?? 256
  }

  private static func classCounts(_ entries: [ImageFolder.Entry], _ names: [String]) -> [ClassCount] {
    let groups = Dictionary(grouping: entries, by: \.classIndex)
    let order: [Int?] = (groups[nil] == nil ? [] : [nil]) + names.indices.map(Optional.some)
    return order.map { index in
      let entries = groups[index] ?? []
      func count(_ split: Split) -> Int { entries.count { $0.split == split } }
      return ClassCount(
        name: index.map { names[$0] }, train: count(.train), valid: count(.valid), test: count(.test)
      )
    }
  }
}
