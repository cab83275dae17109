package chdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Version is the release of libchdb that the product is tested with and that `make libchdb` fetches.
const Version = "26.7.3-stable.1"

// libraryName is the file name of the engine in every place that Find looks at.
const libraryName = "libchdb.so"

// ErrNotFound is returned by Find when there is no library in any of the known places.
var ErrNotFound = errors.New("libchdb.so not found")

// Find returns the path of the engine's library. An explicit path wins and must exist; without
// one it looks into the cache that `make libchdb` fills and into the usual library folders.
func Find(explicit string) (string, error) {
	if explicit != "" {
		if err := checkFile(explicit); err != nil {
			return "", fmt.Errorf("find libchdb at NTEGRAL_CHDB_LIB: %w", err)
		}
		return explicit, nil
	}
	places := searchPath(os.Getenv("XDG_CACHE_HOME"), os.Getenv("HOME"), os.Getenv("LD_LIBRARY_PATH"))
	for _, p := range places {
		if checkFile(p) == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("%w: run `make libchdb`, or set NTEGRAL_CHDB_LIB to a copy of it; looked at %s",
		ErrNotFound, strings.Join(places, ", "))
}

// searchPath lists the candidates in the order in which they are tried.
func searchPath(cacheHome, home, libraryPath string) []string {
	var places []string
	if cacheHome == "" && home != "" {
		cacheHome = filepath.Join(home, ".cache")
	}
	if cacheHome != "" {
		places = append(places, filepath.Join(cacheHome, "ntegral", "chdb", Version, libraryName))
	}
	for _, dir := range filepath.SplitList(libraryPath) {
		if dir != "" {
			places = append(places, filepath.Join(dir, libraryName))
		}
	}
	for _, dir := range []string{"/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"} {
		places = append(places, filepath.Join(dir, libraryName))
	}
	return places
}

func checkFile(path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	return nil
}
