// Which names of folders are splits, which are classes, and which are neither.
import Core
import ImageData
import Testing

@Suite struct SplitFolderTests {
  private func scan(_ names: [String]) throws -> ImageFolder {
    let folder = try TemporaryFolder()
    for name in names { try folder.write([], to: name) }
    return try ImageFolder(scanning: folder.path, heldOutShare: 0)
  }

  private func refusal(_ names: [String]) -> ScanlineError? { scanlineError { _ = try scan(names) } }

  @Test(
    arguments: [
      ("training", "testing"), ("Training", "TESTING"), ("train_images", "test_images"), ("TRAIN", "test-set"),
      ("trainset", "testset"), ("training_data", "test_data"), ("imgs_train", "imgs_test"), ("trainData", "testData"),
      ("train.files", "test files"), ("training-split", "test-split"), ("TrainingImages", "TestImages"),
      ("images-training", "images-testing"), ("train_samples", "test_samples"), ("train_data_set", "TestDataset"),
    ])
  func synonymsOfTrainAndTest(train: String, test: String) throws {
    let folder = try scan(["\(train)/cat/1.png", "\(train)/dog/1.png", "\(test)/cat/2.png"])
    #expect(folder.layout == .splits && folder.splitFolders == [.train, .test])
    #expect(folder.classes == ["cat", "dog"])
    #expect(folder.entries(in: .test).map(\.relativePath) == ["\(test)/cat/2.png"])
  }

  @Test(arguments: [
    "val", "VALID", "Validation", "dev", "Dev_Set", "valset", "val_images", "validation-data", "devset",
  ])
  func synonymsOfValid(valid: String) throws {
    #expect(try scan(["train/1.png", "\(valid)/2.png"]).entries(in: .valid).map(\.relativePath) == ["\(valid)/2.png"])
  }

  @Test(
    arguments: [
      "trainA", "train2017", "train_part1", "training-2", "train_old", "Train_B", "TRAIN1", "trainset2",
      "train images 2",
      "testB", "test1", "val2017", "valid_old", "dev2", "validation.bak", "test_images_2",
    ])
  func aNameThatOnlyBeginsLikeASplitIsRefused(name: String) throws {
    for others in [["cat/1.png", "dog/1.png"], ["train/1.png", "test/1.png"], ["testZ/1.png"], []] {
      let error = refusal(["\(name)/1.png"] + others)
      #expect(error?.kind == .badData, "\(name) beside \(others)")
      #expect(error?.description.contains(name) == true && error?.description.contains("`classesAreFolders`") == true)
    }
  }

  @Test(
    arguments: [
      "trainers", "testudo", "valley", "valve", "trains", "validity", "device", "developers", "testament", "images",
      "data",
      "contest", "strain", "evaluate", "detest", "Valentina",
    ])
  func ordinaryWordsAreClasses(name: String) throws {
    let folder = try scan(["\(name)/1.png", "zzz/1.png"])
    #expect(folder.layout == .classes && folder.classes.contains(name) && folder.notes == [])
  }

  @Test func twoFoldersOfOneSplitAreRefusedByName() throws {
    for (one, two) in [("train", "training"), ("val", "valid"), ("test", "testing"), ("Train", "train_images")] {
      for others in [[], ["cat/1.png"], ["train/1.png", "test/1.png"]] {
        let error = refusal(["\(one)/1.png", "\(two)/1.png"] + others)
        #expect(error?.found.contains(one) == true && error?.found.contains(two) == true, "\(one), \(two), \(others)")
      }
    }
  }

  @Test func aHeldOutFolderOfAnUnclearNameBesideASplitIsRefused() throws {
    for name in ["eval", "evaluation", "holdout", "Held_Out", "eval_images"] {
      #expect(refusal(["train/1.png", "\(name)/1.png"])?.description.contains(name) == true)
      #expect(try scan(["\(name)/1.png", "cat/1.png"]).layout == .classes)
    }
  }

  @Test func splitsOneLevelDownAreRefusedWhateverTheyAreCalled() throws {
    for (train, test) in [("training", "testing"), ("trainA", "testA"), ("train", "val2017")] {
      let error = refusal(["mnist/\(train)/1/1.png", "mnist/\(test)/1/1.png", "cat/1.png"])
      #expect(error?.found.contains("did you mean") == true)
    }
    let mixed = try scan(["cat/train/1.png", "cat/more/1.png", "dog/1.png"])
    #expect(mixed.classes == ["cat", "dog"] && mixed.notes.contains { $0.contains("cat/train/") })
  }

  @Test func aLoneSplitFolderIsThatSplit() throws {
    #expect(try scan(["training/a/1.png", "training/b/1.png"]).entries(in: .train).count == 2)
    #expect(try scan(["testing/1.png"]).evaluationSplit == .test)
    let among = try scan(["training/1.png", "car/1.png", "plane/1.png"])
    #expect(among.classes == ["car", "plane", "training"] && among.notes.count == 1)
  }
}
