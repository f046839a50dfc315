package files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

class Store {
  private Stream<Path> inside(Path folder) throws IOException {
    return Files.list(folder);
  }

  long count(Path folder) throws IOException {
    return inside(folder).count();
  }
}
