package files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class Store {
  long count(Path folder) throws IOException {
    try (var paths = Files.list(folder)) {
      return paths.count();
    }
  }
}
