package eventlog

import (
	"encoding/binary"
	"math/bits"
)

// The primes of xxHash32.
const (
	xxPrime1 uint32 = 2654435761
	xxPrime2 uint32 = 2246822519
	xxPrime3 uint32 = 3266489917
	xxPrime4 uint32 = 668265263
	xxPrime5 uint32 = 374761393
)

// xxh32 is xxHash32 as its specification has it: four lanes over stripes of 16
// bytes, then the rest, then a mixing of all bits.
func xxh32(b []byte, seed uint32) uint32 {
	h, n := seed+xxPrime5, uint32(len(b))
	if len(b) >= 16 {
		var lanes [4]uint32
		lanes, b = xxStripes(b, seed)
		h = bits.RotateLeft32(lanes[0], 1) + bits.RotateLeft32(lanes[1], 7) + bits.RotateLeft32(lanes[2], 12) + bits.RotateLeft32(lanes[3], 18)
	}
	h += n
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(b)*xxPrime3, 17) * xxPrime4
	}
	for _, c := range b {
		h = bits.RotateLeft32(h+uint32(c)*xxPrime5, 11) * xxPrime1
	}
	h = (h ^ h>>15) * xxPrime2
	h = (h ^ h>>13) * xxPrime3
	return h ^ h>>16
}

// xxStripes takes in whole stripes and gives the lanes and what is left.
func xxStripes(b []byte, seed uint32) (lanes [4]uint32, rest []byte) {
	p1, p2 := xxPrime1, xxPrime2 // the lanes' start wraps around
	v0, v1, v2, v3 := seed+p1+p2, seed+p2, seed, seed-p1
	for ; len(b) >= 16; b = b[16:] {
		v0 = xxRound(v0, binary.LittleEndian.Uint32(b))
		v1 = xxRound(v1, binary.LittleEndian.Uint32(b[4:]))
		v2 = xxRound(v2, binary.LittleEndian.Uint32(b[8:]))
		v3 = xxRound(v3, binary.LittleEndian.Uint32(b[12:]))
	}
	return [4]uint32{v0, v1, v2, v3}, b
}

func xxRound(lane, word uint32) uint32 {
	return bits.RotateLeft32(lane+word*xxPrime2, 13) * xxPrime1
}
