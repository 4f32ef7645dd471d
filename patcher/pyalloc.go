package patcher

/*
// go-tree-sitter routes every allocation of the C library through Go, which
// costs more than the parsing itself. Null restores malloc, which is what its
// Go functions call in the end. The symbol is weak because cgo links each
// package once alone.
__attribute__((weak)) extern void ts_set_allocator(void *, void *, void *, void *);

static void use_malloc(void) {
	if (ts_set_allocator) {
		ts_set_allocator(0, 0, 0, 0);
	}
}
*/
import "C"

// useMalloc makes tree-sitter allocate without a detour through Go.
func useMalloc() { C.use_malloc() }
