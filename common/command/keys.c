#include "command/keys.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "base/poll.h"

static struct termios modes; /* as they were */

/* The kernel stops a background process that sets the modes of its terminal. */
static bool
is_in_foreground(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* Ctrl-C and Ctrl-Z still send signals. */
static void
set_modes(void)
{
	struct termios now = modes;

	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

static void
restore_modes(void)
{
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &modes);
}

static void
on_end_signal(int number)
{
	restore_modes();
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static void
on_stop_signal(int number)
{
	(void)number;
	restore_modes();
	(void)raise(SIGSTOP);
	if (is_in_foreground())
		set_modes();
}

static void
set_handler(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(number, &action, NULL);
}

bool
keys_open(void)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP };

	if (!isatty(STDIN_FILENO) || !is_in_foreground() || tcgetattr(STDIN_FILENO, &modes) != 0)
		return false;
	for (size_t i = 0; i < COUNT_OF(ending); i++)
		set_handler(ending[i], on_end_signal);
	set_handler(SIGTSTP, on_stop_signal);
	set_modes();
	return true;
}

void
keys_close(void)
{
	restore_modes();
}

bool
keys_wait_for_q(int ms)
{
	struct deadline deadline = deadline_in_ms(ms);

	while (!deadline_passed(deadline)) {
		char key;

		if (poll_until(STDIN_FILENO, POLLIN, deadline) != POLL_READY)
			continue;
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')
			return true;
	}
	return false;
}
