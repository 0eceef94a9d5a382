;; Refuses jobs that are retried more often than max_retries says.
;;
;; A hook in nothing but WebAssembly's own text format: it shows all that there is to core-json, the second way of
;; being a hook (hooks/ABI.md). The host
;;
;;   1. makes a fresh instance of this module,
;;   2. asks krony_alloc for room and writes a call there, JSON in UTF-8,
;;   3. calls krony_hook_v1 with the address and the length of that call,
;;   4. reads the answer, also JSON, at the address that comes back,
;;
;; and throws the instance away. So nothing is ever freed, and nothing remembered.
(module
  ;; One page, 64 KiB. The host reads and writes here, so that it must be exported under this name.
  (memory (export "memory") 1)

  ;; Texts of this module lie at the start of the memory, a slot for each. The quotes of JSON are written \22.
  (data (i32.const 0)    "call")
  (data (i32.const 16)   "settings")
  (data (i32.const 32)   "request")
  (data (i32.const 48)   "planned")
  (data (i32.const 64)   "retries")
  (data (i32.const 80)   "max_retries")
  (data (i32.const 96)   "\22ok\22")
  (data (i32.const 112)  "{\22needs-known\22:[[{\22attribute\22:\22retries\22}]]}")
  (data (i32.const 192)  "{\22error\22:\22max_retries: expected a whole number such as 3\22}")
  (data (i32.const 256)
    "{\22findings\22:[{\22severity\22:\22error\22,\22summary\22:\22The job retries too often\22,"
    "\22path\22:[{\22attribute\22:\22retries\22}],\22rule\22:\22max-retries\22,"
    "\22detail\22:\22Expected at most ")
  (data (i32.const 480)  " retries, found ")
  (data (i32.const 512)  ". Lower retries.\22}]}")
  (data (i32.const 544)
    "{\22name\22:\22cap-retries\22,\22version\22:\221.0.0\22,"
    "\22summary\22:\22Refuses jobs that are retried too often\22,\22resource-types\22:[\22krony_job\22],"
    "\22settings-schema\22:{\22type\22:\22object\22,\22required\22:[\22max_retries\22],"
    "\22properties\22:{\22max_retries\22:{\22type\22:\22integer\22,\22minimum\22:0}}}}")

  ;; Where free memory begins: behind the texts.
  (global $free (mut i32) (i32.const 1024))

  ;; Reserves $len bytes: hands out what lies at $free and moves $free on. The memory grows when it is full; where it
  ;; may not grow, the module stops with a trap, which the host reports.
  (func $alloc (export "krony_alloc") (param $len i32) (result i32)
    (local $address i32) (local $missing i32)
    (local.set $address (global.get $free))
    (global.set $free (i32.add (local.get $address) (local.get $len)))
    ;; Pages that are missing: those up to $free, less those that there are.
    (local.set $missing
      (i32.sub
        (i32.shr_u (i32.add (global.get $free) (i32.const 65535)) (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then
        (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1))
          (then (unreachable)))))
    (local.get $address))

  ;; The one function that the host calls. The three calls differ in their name only:
  ;; {"call":"describe"}, {"call":"validate-settings",…}, {"call":"validate",…}
  (func (export "krony_hook_v1") (param $address i32) (param $len i32) (result i64)
    (local $call i32) (local $max i32) (local $found i32)
    (local.set $call (call $member (local.get $address) (i32.const 0) (i32.const 4)))
    ;; "describe" is the only one that begins with a d; the quote stands before it.
    (if (i32.eq (i32.load8_u offset=1 (local.get $call)) (i32.const 100)) ;; d
      (then (return (call $answer (i32.const 544) (i32.const 246)))))

    ;; Settings are wrong if they have no number here.
    (local.set $max
      (call $member
        (call $member (local.get $address) (i32.const 16) (i32.const 8))
        (i32.const 80) (i32.const 11)))
    (if (i32.eqz (call $digits (local.get $max)))
      (then (return (call $answer (i32.const 192) (i32.const 58)))))
    ;; "validate-settings" has a hyphen where "validate" has its closing quote.
    (if (i32.eq (i32.load8_u offset=9 (local.get $call)) (i32.const 45)) ;; -
      (then (return (call $answer (i32.const 96) (i32.const 4)))))

    ;; request.planned.retries. A delete has null for planned, which has no members: nothing is found there.
    (local.set $found
      (call $member
        (call $member
          (call $member (local.get $address) (i32.const 32) (i32.const 7))
          (i32.const 48) (i32.const 7))
        (i32.const 64) (i32.const 7)))
    (if (i32.eqz (local.get $found))
      (then (return (call $answer (i32.const 96) (i32.const 4)))))
    ;; An object in place of a number is a marker, {"$unknown":true}: ask again when it is known.
    (if (i32.eq (i32.load8_u (local.get $found)) (i32.const 123)) ;; {
      (then (return (call $answer (i32.const 112) (i32.const 43)))))
    (if (i64.le_u (call $number (local.get $found)) (call $number (local.get $max)))
      (then (return (call $answer (i32.const 96) (i32.const 4)))))
    (call $refuse (local.get $found) (local.get $max)))

  ;; An answer is one number: the address in its upper 32 bits, the length in its lower ones.
  (func $answer (param $address i32) (param $len i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $address)) (i64.const 32))
      (i64.extend_i32_u (local.get $len))))

  ;; The finding, put together from its texts and the two numbers as they are written in the call.
  (func $refuse (param $found i32) (param $max i32) (result i64)
    (local $start i32)
    (local.set $start (global.get $free))
    (call $append (i32.const 256) (i32.const 152))
    (call $append (local.get $max) (call $digits (local.get $max)))
    (call $append (i32.const 480) (i32.const 16))
    (call $append (local.get $found) (call $digits (local.get $found)))
    (call $append (i32.const 512) (i32.const 20))
    (call $answer (local.get $start) (i32.sub (global.get $free) (local.get $start))))

  ;; Copies a text to the end of what is reserved. Pieces that are appended one after the other make one text.
  (func $append (param $address i32) (param $len i32)
    (memory.copy (call $alloc (local.get $len)) (local.get $address) (local.get $len)))

  ;; ---- Just enough JSON ------------------------------------------------------------------------------------------
  ;; The host writes valid JSON, so that nothing is checked here. Values are known by the address of their first byte.

  ;; The value of a member of the object at $object, or 0 for nothing: at 0 lies no object and no number, but "call".
  ;; Going from member to member, over whole values, keeps the look-alikes apart: `retries` of the metadata, or the
  ;; text "\"retries\":0", are not what is looked for.
  (func $member (param $object i32) (param $key i32) (param $len i32) (result i32)
    (local $at i32) (local $value i32)
    (if (i32.ne (i32.load8_u (local.get $object)) (i32.const 123)) ;; {
      (then (return (i32.const 0))))
    (local.set $at (call $skip_blanks (i32.add (local.get $object) (i32.const 1))))
    (loop $members
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 125)) ;; }
        (then (return (i32.const 0))))
      ;; The key ends where its text does; then come the colon and the value.
      (local.set $value
        (call $skip_blanks
          (i32.add (call $skip_blanks (call $skip_value (local.get $at))) (i32.const 1))))
      (if (call $is_text (local.get $at) (local.get $key) (local.get $len))
        (then (return (local.get $value))))
      (local.set $at (call $skip_blanks (call $skip_value (local.get $value))))
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 44)) ;; ,
        (then (local.set $at (call $skip_blanks (i32.add (local.get $at) (i32.const 1))))))
      (br $members))
    (unreachable))

  ;; Whether the text at $at, with its quotes, is the one of $len bytes at $key.
  (func $is_text (param $at i32) (param $key i32) (param $len i32) (result i32)
    (loop $bytes
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (if (i32.eqz (local.get $len))
        (then (return (i32.eq (i32.load8_u (local.get $at)) (i32.const 34))))) ;; "
      (if (i32.ne (i32.load8_u (local.get $at)) (i32.load8_u (local.get $key)))
        (then (return (i32.const 0))))
      (local.set $key (i32.add (local.get $key) (i32.const 1)))
      (local.set $len (i32.sub (local.get $len) (i32.const 1)))
      (br $bytes))
    (unreachable))

  ;; The address after the value at $at. Objects and lists are over when as many brackets were closed as opened.
  (func $skip_value (param $at i32) (result i32)
    (local $byte i32) (local $depth i32)
    (loop $bytes
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (i32.eq (local.get $byte) (i32.const 34)) ;; "
        (then (local.set $at (call $skip_text (local.get $at))))
        (else
          ;; With the bit 32 set, [ becomes { and ] becomes }, so that one comparison is enough for both.
          (if (i32.eq (i32.or (local.get $byte) (i32.const 32)) (i32.const 123)) ;; { [
            (then (local.set $depth (i32.add (local.get $depth) (i32.const 1)))))
          (if (i32.eq (i32.or (local.get $byte) (i32.const 32)) (i32.const 125)) ;; } ]
            (then (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))))
      ;; Inside brackets the value goes on; a number or a word goes on until something ends it.
      (br_if $bytes (local.get $depth))
      (br_if $bytes
        (i32.and
          (call $is_plain (local.get $byte))
          (call $is_plain (i32.load8_u (local.get $at))))))
    (local.get $at))

  ;; The address after the text at $at. A backslash takes the next byte's meaning away.
  (func $skip_text (param $at i32) (result i32)
    (local $byte i32)
    (loop $bytes
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (i32.eq (local.get $byte) (i32.const 92)) ;; \
        (then (local.set $at (i32.add (local.get $at) (i32.const 1)))))
      (br_if $bytes (i32.ne (local.get $byte) (i32.const 34)))) ;; "
    (i32.add (local.get $at) (i32.const 1)))

  (func $skip_blanks (param $at i32) (result i32)
    (block $done
      (loop $bytes
        (br_if $done (i32.gt_u (i32.load8_u (local.get $at)) (i32.const 32)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $bytes)))
    (local.get $at))

  ;; Whether a byte belongs to a number or a word: letters, digits, and + - .
  (func $is_plain (param $byte i32) (result i32)
    (i32.and
      (i32.and
        (i32.gt_u (local.get $byte) (i32.const 32))
        (i32.and
          (i32.ne (local.get $byte) (i32.const 34))   ;; "
          (i32.and
            (i32.ne (local.get $byte) (i32.const 44))   ;; ,
            (i32.ne (local.get $byte) (i32.const 58))))) ;; :
      (i32.and
        (i32.ne (i32.or (local.get $byte) (i32.const 32)) (i32.const 123))    ;; { [
        (i32.ne (i32.or (local.get $byte) (i32.const 32)) (i32.const 125))))) ;; } ]

  ;; How many digits a whole number has; 0 for anything else, such as 1.5, -1, "3" or nothing at all.
  (func $digits (param $value i32) (result i32)
    (local $at i32)
    (local.set $at (local.get $value))
    (block $done
      (loop $bytes
        (br_if $done
          (i32.gt_u (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)) (i32.const 9))) ;; 0 to 9
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $bytes)))
    (if (call $is_plain (i32.load8_u (local.get $at)))
      (then (return (i32.const 0))))
    (i32.sub (local.get $at) (local.get $value)))

  ;; The number that the digits at $value make; 0 if there are none, such as for null.
  (func $number (param $value i32) (result i64)
    (local $left i32) (local $number i64)
    (local.set $left (call $digits (local.get $value)))
    ;; More than 18 digits are more than 64 bits are sure to hold: the greatest number stands for them.
    (if (i32.gt_u (local.get $left) (i32.const 18))
      (then (return (i64.const -1))))
    (block $done
      (loop $bytes
        (br_if $done (i32.eqz (local.get $left)))
        (local.set $number
          (i64.add
            (i64.mul (local.get $number) (i64.const 10))
            (i64.extend_i32_u (i32.sub (i32.load8_u (local.get $value)) (i32.const 48)))))
        (local.set $value (i32.add (local.get $value) (i32.const 1)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $bytes)))
    (local.get $number)))
